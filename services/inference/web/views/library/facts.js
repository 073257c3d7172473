/* What every part of the library says of a recording: who sings, who recorded it, and under which licence. */

import { latin } from "../../lib/birds.js";
import { inside, make, outside } from "../../lib/dom.js";
import { day, duration } from "../../lib/format.js";
import { pathTo } from "../../lib/router.js";
import { silhouetteOf } from "../../lib/silhouettes.js";
import { nameOf } from "../../lib/species.js";
import { text } from "./words.js";

/** The name to show; a recording may have no label yet. */
export const titleOf = ({ species, name }) => (species ? nameOf({ species }) : name);

/** The grade in a small frame; nothing where nobody rated it. */
export function grade(quality) {
  if (!quality) return null;
  const element = make("abbr", "grade", quality);
  element.title = text("gradeTitle", quality);
  element.dataset.grade = quality;
  return element;
}

/** "Munich, Germany", as far as that is known. */
export const placeOf = ({ locality, country }) => [locality, country].filter(Boolean).join(", ");

/** Recordist, licence and source, with links where there are addresses. */
export function credit({ recordist, licence_name: licence, licence_url: url, source, source_url: home, xc_id: number }) {
  const origin = number ? `XC${number}` : text("sources")[source] ?? source;
  const address = home || (number ? `https://xeno-canto.org/${number}` : "");
  return make(
    "span",
    "credit-line",
    make("span", recordist ? "" : "missing", recordist || text("noRecordist")),
    " · ",
    url ? outside(url, licence) : make("span", licence ? "" : "missing", licence || text("noLicence")),
    " · ",
    address ? outside(address, origin) : origin,
  );
}

export function drawing(species, size) {
  const image = make("img", "drawing");
  const src = species ? silhouetteOf(species) : "/static/birds/none.svg";
  return Object.assign(image, { src, alt: "", width: size, height: size, loading: "lazy" });
}

/** A line of the list of recordings. */
export function recordingRow(recording) {
  const { id, species, seconds, quality, recorded_on: on, prepared, deleted_at: gone } = recording;
  const facts = [seconds === null ? null : duration(seconds), on ? day(on) : null, placeOf(recording) || null].filter(Boolean).join(" · ");
  const name = inside(pathTo("library", "recordings", id), titleOf(recording));
  const standing = gone ? text("deleted") : prepared ? null : text("notPrepared");
  const row = make(
    "li",
    "",
    drawing(species, 44),
    make("span", "who", name, " ", species && titleOf(recording) !== species ? latin(species) : null),
    make("span", "grades", grade(quality)),
    make("span", "facts", facts, standing && " ", standing && make("span", "standing", standing)),
    credit(recording),
  );
  if (gone) row.dataset.deleted = "";
  return row;
}
