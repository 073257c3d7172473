/* How models and species are named here. */

import { nameOf } from "../../lib/species.js";
import { text } from "./words.js";

export const modelName = ({ name, version }) => text("modelName", name, version);

/** A function that names a species by its scientific name, from a model's own list of species. */
export function namesFrom(species) {
  const common = new Map(species.map((one) => [one.scientific, one.common]));
  return (scientific) => nameOf({ species: scientific, common_name: common.get(scientific) });
}
