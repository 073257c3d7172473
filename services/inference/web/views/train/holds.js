/* What a dataset holds, or would hold: of each species how much, where the split puts it, and what to mind. */

import { make } from "../../lib/dom.js";
import { number } from "../../lib/format.js";
import { nameOf } from "../../lib/species.js";
import { language } from "../../lib/strings.js";
import { stacked } from "../../figures/bars.js";
import { text } from "./words.js";

const THIN = 10; // recordings, as the trainer has it
const TINTS = 6;

const stuck = ({ recordings, recordings_by_fold: folds }) => folds.length > 1 && Math.max(...folds) === recordings;

function row(one, most) {
  const tags = [one.recordings < THIN && text("thin"), stuck(one) && text("stuck")].filter(Boolean);
  const { recordings_by_fold: folds } = one;
  const parts = folds.map((count, fold) => ({ share: count / most, tint: fold % TINTS }));
  return make(
    "li",
    "",
    make("span", "class-name", nameOf({ species: one.species, common_name: one.common_name }), ...tags.flatMap((words) => [" ", make("span", "tag", words)])),
    make("span", "class-count", text("classCount", one.recordings, one.slices, one.recordists)),
    stacked(parts),
  );
}

function warnings(words) {
  if (!words.length) return null;
  const list = make("ul", "", ...words.map((one) => make("li", "", one)));
  list.lang = "en"; // the server speaks English
  return make("div", "notes", make("h3", "", text(language === "en" ? "mind" : "mindEnglish")), list);
}

/** The parts of a page that tell of a summary as the trainer gives it. */
export function holds(summary) {
  const most = Math.max(...summary.classes.map(({ recordings }) => recordings), 1);
  const facts = [
    [number(summary.classes.length), text("ofSpecies")],
    [number(summary.recordings), text("ofRecordings")],
    [number(summary.slices), text("ofSlices")],
    [number(summary.groups ?? 0), text("ofGroups")],
  ];
  const licences = Object.entries(summary.licences).map(([name, count]) => `${name} (${count})`);
  return [
    make("ul", "totals", ...facts.map(([value, words]) => make("li", "", make("b", "", value), ` ${words}`))),
    make("ol", "classes", ...summary.classes.map((one) => row(one, most))),
    make("p", "fine", text("foldsNote", summary.folds ?? 1)),
    warnings(summary.warnings),
    make("p", "fine", make("b", "", text("licences")), ` ${licences.join(", ")}`),
  ].filter((part) => part !== null);
}
