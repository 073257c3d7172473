/* What the answer says, in words and bars. */

import { alternatives, nameOf } from "./passages.js";
import { clock, confidenceLevel, confidenceWord, percent, text } from "./strings.js";

const FEW_RANKED = 5;
const FEW_HEARD = 8;
const LONG_NAME = 22; // letters that fit one line in the largest type

/** An element with classes, text or children, without a line for each. */
function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content.filter((part) => part !== null));
  return element;
}

function outside(href, words) {
  const link = make("a", "", words);
  Object.assign(link, { href, target: "_blank", rel: "noopener noreferrer" });
  return link;
}

const badge = (confidence) => {
  const element = make("p", "badge", make("strong", "", confidenceWord(confidence)), ` ${percent(confidence)}`);
  element.dataset.level = confidenceLevel(confidence);
  return element;
};

function couldAlsoBe(ranking, chosen) {
  const names = alternatives(ranking, chosen).map(nameOf);
  if (!names.length) return null;
  const words = names.length === 1 ? text("alsoOne", names[0]) : text("alsoMany", names.slice(0, -1).join(", "), names.at(-1));
  return make("p", "also", words);
}

/** The headline: whom it sounds like, or that nobody was heard. The title takes the focus when a result comes. */
export function showVerdict(root, ranking, chosen) {
  const title = make("h1", "");
  title.tabIndex = -1;
  title.id = "verdict-title";
  if (!chosen) {
    const twig = make("img", "twig");
    Object.assign(twig, { src: "/static/twig.svg", alt: "", width: 132, height: 105 });
    title.append(text("nobodyTitle"));
    root.replaceChildren(twig, make("div", "", title, make("p", "also", text("nobodyLead"))));
    return;
  }
  const { species, confidence } = chosen;
  const name = nameOf(chosen);
  title.className = name.length > LONG_NAME ? "long" : "";
  title.append(make("span", "overline", text("soundsLike")), " ", make("span", "name", name));
  const scientific = make("i", "", species);
  scientific.lang = "la";
  const links = make(
    "span",
    "links",
    outside(`https://en.wikipedia.org/wiki/${encodeURIComponent(species.replaceAll(" ", "_"))}`, text("wikipedia")),
    outside(`https://xeno-canto.org/species/${encodeURIComponent(species.replaceAll(" ", "-"))}`, text("xenoCanto")),
  );
  links.setAttribute("role", "group");
  links.setAttribute("aria-label", text("hearMore"));
  root.replaceChildren(
    make("div", "", title, make("p", "scientific", chosen.common_name ? scientific : null, links), make("div", "sure", badge(confidence), couldAlsoBe(ranking, chosen))),
  );
}

function rankRow(ranked, tints) {
  const scientific = make("i", "", ranked.species);
  scientific.lang = "la";
  const fill = make("span", "bar-fill");
  fill.style.width = `${100 * ranked.confidence}%`;
  const bar = make("span", "bar", fill);
  bar.setAttribute("aria-hidden", "true");
  const row = make(
    "li",
    "",
    make("span", "rank-name", make("b", "", nameOf(ranked)), " ", ranked.common_name ? scientific : null),
    make("span", "rank-sure", make("b", "", percent(ranked.confidence)), make("span", "word", ` ${confidenceWord(ranked.confidence)}`)),
    bar,
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
  const play = make("span", "visually-hidden", `${text("play")} `);
  const button = make("button", "passage", play, make("span", "when", `${from} – ${to}`), " ", make("span", "who", name), " ", make("span", "sure", sure));
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

/** A failure in plain words (see Problem in api.js). */
export function showProblem(root, problem) {
  const put = (id, words) => {
    const element = root.querySelector(id);
    element.textContent = words;
    element.hidden = !words;
  };
  put("#problem-title", problem.message);
  put("#problem-detail", problem.detail);
  put("#problem-hint", problem.hint);
  put("#problem-code", text("problemCode", problem.code));
}
