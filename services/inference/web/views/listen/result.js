/* What the answer says, in words, pictures and bars. */

import { badge, latin, portrait } from "../../lib/birds.js";
import { inside, make, outside } from "../../lib/dom.js";
import { clock, confidenceLevel, confidenceWord, percent } from "../../lib/format.js";
import { silhouetteOf } from "../../lib/silhouettes.js";
import { nameOf } from "../../lib/species.js";
import { language, shared } from "../../lib/strings.js";
import { alternatives } from "../../sound/passages.js";
import { text } from "./words.js";

const FEW_RANKED = 5;
const FEW_HEARD = 8;
const LONG_NAME = 22; // letters that fit one line in the largest type

/** Wikipedia and Xeno-canto; they are asked for nothing until somebody follows the link. */
function links(ranked) {
  const { species } = ranked;
  const element = make(
    "span",
    "links",
    outside(`https://${language}.wikipedia.org/wiki/${encodeURIComponent(species.replaceAll(" ", "_"))}`, text("wikipedia")),
    outside(`https://xeno-canto.org/species/${encodeURIComponent(species.replaceAll(" ", "-"))}`, text("xenoCanto")),
  );
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", text("hearMore", nameOf(ranked)));
  return element;
}

function expectation({ expected_here: expected }) {
  if (expected === null || expected === undefined) return null;
  const element = make("span", "expected", text(expected ? "expected" : "unexpected"));
  element.dataset.expected = expected;
  return element;
}

function couldAlsoBe(ranking, chosen) {
  const others = alternatives(ranking, chosen);
  if (!others.length) return null;
  const row = (ranked) => make("li", "", make("b", "", nameOf(ranked)), ` ${percent(ranked.confidence)} `, links(ranked));
  return make("div", "also", make("p", "", text("alsoTitle")), make("ul", "", ...others.map(row)));
}

function heading(...content) {
  const title = make("h1", "", ...content);
  Object.assign(title, { tabIndex: -1, id: "verdict-title" });
  return title;
}

/** Whom the recording sounds like. */
function showSpecies(root, ranking, chosen, signal) {
  const name = nameOf(chosen);
  const title = heading(make("span", "overline", text("soundsLike")), " ", make("span", "name", name));
  title.classList.toggle("long", name.length > LONG_NAME);
  const words = make(
    "div",
    "",
    title,
    make("p", "scientific", name === chosen.species ? null : latin(chosen.species), links(chosen)),
    make("p", "sure", badge(chosen.confidence), make("span", "meaning", text("meaning")[confidenceLevel(chosen.confidence)]), expectation(chosen)),
    couldAlsoBe(ranking, chosen),
  );
  root.replaceChildren(portrait(chosen, signal), words);
}

/** A headline that names nobody, with a sentence under it. */
function showWords(root, title, lead) {
  const twig = make("img", "twig");
  Object.assign(twig, { src: "/static/twig.svg", alt: "", width: 132, height: 105 });
  const words = heading(title);
  words.classList.toggle("long", title.length > LONG_NAME);
  root.replaceChildren(twig, make("div", "", words, make("p", "lead", lead)));
}

/** The headline of a long recording: how many species are among the detections shown, those detected most often by name. */
export function showMany(root, shown) {
  const counts = new Map();
  for (const { species } of shown) counts.set(species, (counts.get(species) ?? 0) + 1);
  const found = [...new Map(shown.map((one) => [one.species, one])).values()].sort((a, b) => counts.get(b.species) - counts.get(a.species));
  const lead = text("manyLead", found.slice(0, FEW_RANKED).map(nameOf).join(", "), found.length > FEW_RANKED);
  showWords(root, text("manyTitle", found.length), lead);
}

/** The headline of an answer, given the species chosen among the detections shown, or null. Pictures end with `signal`. */
export function showVerdict(root, { outcome, ranking, detections }, chosen, { threshold, signal }) {
  if (outcome === "unknown") {
    const nearest = ranking.length ? ` ${text("unknownNearest", nameOf(ranking[0]))}` : "";
    showWords(root, text("unknownTitle"), text("unknownLead") + nearest);
  } else if (chosen) showSpecies(root, ranking, chosen, signal);
  else if (detections.length && outcome !== "nothing") showWords(root, text("faintTitle"), text("faintLead", percent(threshold)));
  else showWords(root, text("nobodyTitle"), text("nobodyLead"));
}

function rankRow(ranked, tints) {
  const name = nameOf(ranked);
  const fill = make("span", "bar-fill");
  fill.style.width = `${100 * ranked.confidence}%`;
  const bar = make("span", "bar", fill);
  bar.setAttribute("aria-hidden", "true");
  const row = make(
    "li",
    "",
    make("span", "rank-name", make("b", "", name), " ", name === ranked.species ? null : latin(ranked.species)),
    make("span", "rank-sure", make("b", "", percent(ranked.confidence)), make("span", "word", ` ${confidenceWord(ranked.confidence)}`)),
    bar,
    expectation(ranked),
  );
  row.dataset.tint = tints.get(ranked.species);
  return row;
}

/** The ranked species; `all` beyond the first five. */
export function showRanking(list, more, ranking, tints, all = false) {
  list.replaceChildren(...ranking.slice(0, all ? undefined : FEW_RANKED).map((ranked) => rankRow(ranked, tints)));
  more.hidden = ranking.length <= FEW_RANKED;
  more.textContent = all ? text("rankingLess") : text("rankingMore", ranking.length);
  more.setAttribute("aria-expanded", String(all));
}

function heardRow(passage, index, tints, playable) {
  const [name, sure] = [nameOf(passage), percent(passage.confidence)];
  const [from, to] = [clock(passage.start, true), clock(passage.end, true)];
  const play = make("span", "visually-hidden", `${shared("play")} `);
  const strange = passage.known === false ? make("span", "strange", text("notLikeAny")) : null;
  const button = make("button", "passage", play, make("span", "when", `${from} – ${to}`), " ", make("span", "who", name, strange && " ", strange), " ", make("span", "sure", sure));
  button.type = "button";
  button.disabled = !playable;
  button.dataset.index = index;
  const row = make("li", "", button);
  row.dataset.tint = tints.get(passage.species);
  return row;
}

/** The passages in order of time, each a button that plays it; `all` beyond the first eight. */
export function showHeard({ list, none, more }, found, tints, { playable, all = false }) {
  list.replaceChildren(...found.slice(0, all ? undefined : FEW_HEARD).map((p, i) => heardRow(p, i, tints, playable)));
  none.hidden = found.length > 0;
  more.hidden = all || found.length <= FEW_HEARD;
  more.textContent = text("heardMore", found.length);
}

/** What the decoder had to say about the recording. */
export function showWarnings(root, warnings) {
  root.hidden = !warnings.length;
  root.replaceChildren(make("h2", "", text("warningsTitle")), make("ul", "", ...warnings.map((words) => make("li", "", words))));
}

/** The outcome of a result in a line of a list: a species with its badge, or why there is none. */
export function summary({ outcome, ranking }) {
  if (outcome === "unknown") return [make("span", "who", text("unknownTitle"))];
  if (outcome === "nothing" || !ranking.length) return [make("span", "who", text("nobodyTitle"))];
  return [make("span", "who", nameOf(ranking[0])), " ", badge(ranking[0].confidence)];
}

/** A line of a list of results: the drawing of whom it sounds like, its file, and what was heard. */
export function resultRow({ href, name, about, answer }) {
  const drawing = make("img", "");
  const species = answer?.outcome === "species" && answer.ranking.length ? answer.ranking[0].species : null;
  Object.assign(drawing, { src: species ? silhouetteOf(species) : "/static/birds/none.svg", alt: "", width: 44, height: 44, loading: "lazy" });
  return make("li", "", drawing, make("span", "file", href ? inside(href, name) : name), ...about);
}
