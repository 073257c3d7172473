/* The words of the page. Each folder of views has an en.js and a de.js with the same keys; only one of them is loaded. */

import { remember, remembered } from "./storage.js";

export const languages = { en: "English", de: "Deutsch" };
const LANGUAGE = "language";

/** The one that a person chose here, else the first of the browser's that the page speaks. */
export const language = [remembered(LANGUAGE), ...navigator.languages].map((l) => l?.slice(0, 2)).find((l) => l in languages) ?? "en";

/** Speaks another language from the next load on, which is now. */
export function speak(chosen) {
  remember(LANGUAGE, chosen);
  location.reload();
}

/** The words beside that module: a function that gives the string of a key; where it depends on values, they follow. */
export async function words(module) {
  const { default: strings } = await import(new URL(`./${language}.js`, module));
  return (key, ...values) => (typeof strings[key] === "function" ? strings[key](...values) : strings[key]);
}

/** The words that all views share. */
export const shared = await words(import.meta.url);

/** Puts words into a part of the page: data-text is content, data-label an aria-label, data-alt a picture's alternative. */
export function fill(root, text) {
  for (const el of root.querySelectorAll("[data-text]")) el.textContent = text(el.dataset.text);
  for (const el of root.querySelectorAll("[data-label]")) el.setAttribute("aria-label", text(el.dataset.label));
  for (const el of root.querySelectorAll("[data-alt]")) el.alt = text(el.dataset.alt);
}
