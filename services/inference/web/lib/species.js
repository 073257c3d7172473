/* The names of species in the page's language. An answer has the English one; the scientific name is the identity. */

import { speciesNames } from "./api.js";
import { language } from "./strings.js";

let names = {};

/**
 * Fetches the names once; until then, and where it fails, species have the names that answers give them: in English, which
 * is fetched only where a view shows what has none.
 */
export async function loadNames({ english = false } = {}) {
  if ((english || language !== "en") && !Object.keys(names).length) names = await speciesNames(language);
}

/** The name to show; a model may have no common name for a species. */
export const nameOf = ({ species, common_name: common }) => names[species] || common || species;

/** Those that have a name in the page's language, as far as the names are fetched. */
export const namedSpecies = () => Object.keys(names).map((species) => ({ species }));

/** Words as a search compares them: without accents and capitals. */
export const searchable = (words) => words.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();
