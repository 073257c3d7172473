/* How much there is of each species, as a table with bars, and a warning where it is too little to learn from. */

import { latin } from "../../lib/birds.js";
import { inside, make } from "../../lib/dom.js";
import { duration, number } from "../../lib/format.js";
import { pathTo } from "../../lib/router.js";
import { nameOf } from "../../lib/species.js";
import { text } from "./words.js";

const FEW_RECORDINGS = 10;
const FEW_RECORDISTS = 5; // a test keeps recordists apart, and has five parts
const LITTLE_SONG = 60; // seconds
const GRADES = ["A", "B", "C", "D", "E", "unrated"];

const orders = {
  recordings: (a, b) => b.recordings - a.recordings,
  song: (a, b) => b.signal_seconds - a.signal_seconds,
  name: (a, b) => named(a).localeCompare(named(b)),
};

const named = ({ scientific_name: species, common_name }) => nameOf({ species, common_name });

/** Why a species is thin, in words; none where it is not. */
export function thinness({ recordings, recordists, signal_seconds: song }) {
  return [
    recordings < FEW_RECORDINGS ? text("fewRecordings") : null,
    recordists < FEW_RECORDISTS ? text("fewRecordists", recordists) : null,
    song < LITTLE_SONG ? text("littleSong") : null,
  ].filter(Boolean);
}

function bar(share, className = "") {
  const fill = make("span", `bar-fill ${className}`);
  fill.style.width = `${100 * share}%`;
  const element = make("span", "bar", fill);
  element.setAttribute("aria-hidden", "true");
  return element;
}

/** The grades of a species side by side. */
function grades(quality, recordings) {
  const strip = make("span", "grades-strip");
  const told = GRADES.filter((one) => quality[one]).map((one) => {
    const part = strip.appendChild(make("span", ""));
    part.dataset.grade = one;
    part.style.flexGrow = quality[one] / recordings;
    return `${quality[one]} ${one === "unrated" ? text("unrated") : one}`;
  });
  strip.setAttribute("aria-hidden", "true");
  return [strip, make("span", "small", told.join(", "))];
}

const cell = (className, ...content) => make("td", className, ...content);

function row(one, most, query) {
  const link = new URLSearchParams([...query].filter(([name]) => name !== "species"));
  link.set("species", one.scientific_name);
  const head = make("th", "", inside(`${pathTo("library")}?${link}`, named(one)), " ", latin(one.scientific_name));
  head.scope = "row";
  const warnings = thinness(one);
  return make(
    "tr",
    warnings.length ? "thin" : "",
    head,
    cell("amount", make("b", "", number(one.recordings)), make("span", "small", ` ${text("by", one.recordists)}`), bar(one.recordings / most.recordings)),
    cell("amount", make("b", "", duration(one.signal_seconds)), make("span", "small", ` ${text("of", duration(one.seconds))}`), bar(one.signal_seconds / (most.signal_seconds || 1), "song")),
    cell("quality", ...grades(one.quality, one.recordings)),
    cell("thinness", warnings.length ? make("span", "warning", warnings.join("; ")) : make("span", "visually-hidden", text("enough"))),
  );
}

/** Fills the table with what `GET /species` says, in the order that was chosen. */
export function showStatistics({ body, summary }, species, { order, query }) {
  const most = { recordings: Math.max(...species.map((one) => one.recordings)), signal_seconds: Math.max(...species.map((one) => one.signal_seconds)) };
  body.replaceChildren(...[...species].sort(orders[order] ?? orders.recordings).map((one) => row(one, most, query)));
  const thin = species.filter((one) => thinness(one).length).length;
  summary.textContent = [text("speciesCount", species.length), thin ? text("thinCount", thin) : text("thinNone")].join(" ");
}
