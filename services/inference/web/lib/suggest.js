/* Names of species, suggested while somebody types. */

import { get } from "./api.js";
import { make } from "./dom.js";
import { nameOf, searchable } from "./species.js";

const TYPING = 250; // milliseconds after which somebody has stopped typing
const SUGGESTED = 12;

function option(one) {
  const element = make("option", "", one.species);
  element.value = nameOf(one);
  return element;
}

/** Those of the library; before them those of `known()`, each {species, common_name}, at once. */
export function suggestSpecies(field, list, known = () => []) {
  let timer;
  const offer = (more = []) => {
    const typed = searchable(field.value.trim());
    if (typed.length < 2) return list.replaceChildren();
    const fits = (one) => searchable(`${nameOf(one)} ${one.species}`).includes(typed);
    const found = new Map([...known().filter(fits), ...more].map((one) => [one.species, one]));
    list.replaceChildren(...[...found.values()].slice(0, SUGGESTED).map(option));
  };
  field.addEventListener("input", () => {
    offer();
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const asked = field.value.trim();
      if (asked.length < 2) return;
      const found = await get(`/species?${new URLSearchParams({ q: asked })}`).catch(() => []);
      if (field.value.trim() === asked) offer(found.map(({ scientific_name: species, common_name }) => ({ species, common_name })));
    }, TYPING);
  });
}
