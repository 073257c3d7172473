/* A species as every view shows it: its scientific name, how sure a model is of it, and its picture. */

import { pictureOf } from "./api.js";
import { make, outside } from "./dom.js";
import { confidenceLevel, confidenceWord, percent } from "./format.js";
import { silhouetteOf } from "./silhouettes.js";
import { nameOf } from "./species.js";
import { shared } from "./strings.js";

/** A scientific name. */
export function latin(species) {
  const element = make("i", "latin", species);
  element.lang = "la";
  return element;
}

/** How sure a model is, in a word and per cent. */
export function badge(confidence) {
  const element = make("span", "badge", make("strong", "", confidenceWord(confidence)), ` ${percent(confidence)}`);
  element.dataset.level = confidenceLevel(confidence);
  return element;
}

/** A drawing at once, and the picture in its place where the server has one. */
export function portrait(ranked, signal) {
  const image = make("img", "");
  Object.assign(image, { src: silhouetteOf(ranked.species), alt: shared("drawnAlt"), width: 168, height: 168 });
  const caption = make("figcaption", "credit", "\u00a0");
  const figure = make("figure", "portrait", image, caption);
  pictureOf(ranked.species, { signal }).then((picture) => {
    if (!picture) return;
    const forget = () => URL.revokeObjectURL(picture.url);
    if (signal.aborted) return forget();
    signal.addEventListener("abort", forget);
    Object.assign(image, { src: picture.url, alt: shared("pictureAlt", nameOf(ranked)) });
    figure.classList.add("photo");
    const licence = picture.licence_url ? outside(picture.licence_url, picture.licence) : picture.licence;
    caption.replaceChildren(outside(picture.source_url, shared("pictureBy", picture.author)), ", ", licence);
  });
  return figure;
}
