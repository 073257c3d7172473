/* The species that are suggested: those that have a name in the page's language, and those that the models in doubt know. */

import { get } from "../../lib/api.js";
import { namedSpecies } from "../../lib/species.js";

export class Known {
  #models = new Map();

  /** From now on those that this model knows are suggested, too, whatever the page knows of names. */
  learn({ name, version }, signal) {
    const key = `${name}:${version}`;
    if (this.#models.has(key)) return;
    this.#models.set(key, []);
    get(`/models/${encodeURIComponent(name)}/${encodeURIComponent(version)}`, { signal }).then(
      ({ species }) => this.#models.set(key, species.map((one) => ({ species: one.scientific, common_name: one.common }))),
      () => {}, // then those of the library are suggested
    );
  }

  /** Each {species, common_name}. */
  all() {
    return [...namedSpecies(), ...[...this.#models.values()].flat()];
  }
}
