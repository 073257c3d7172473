/* Two models side by side, on the recordings that both held out. */

import { get } from "../../lib/api.js";
import { inside, make } from "../../lib/dom.js";
import { percent, share } from "../../lib/format.js";
import { title } from "../../lib/router.js";
import { language } from "../../lib/strings.js";
import { interval, stacked } from "../../figures/bars.js";
import { comparisonPath } from "./model.js";
import { modelName, namesFrom } from "./names.js";
import { Recordings } from "./recordings.js";
import { text } from "./words.js";

const [ONE, OTHER] = [1, 0]; // tints
const points = new Intl.NumberFormat(language, { maximumFractionDigits: 1, signDisplay: "exceptZero" });
const $ = (id) => document.getElementById(id);

const modelOf = (given) => {
  const [name, version] = (given ?? "").split(":");
  return { name, version };
};

export class ComparisonPage {
  constructor() {
    this.controller = new AbortController();
    this.recordings = new Recordings();
  }

  async open(query) {
    this.close();
    this.controller = new AbortController();
    const [one, other] = [modelOf(query.get("a")), modelOf(query.get("b"))];
    const { signal } = this.controller;
    const [path, another] = [one, other].map(({ name, version }) => `/models/${encodeURIComponent(name)}/${encodeURIComponent(version ?? "")}`);
    const [found, ...models] = await Promise.all([
      get(`${path}/comparison?${new URLSearchParams({ other: `${other.name}:${other.version}` })}`, { signal }),
      get(path, { signal }),
      get(another, { signal }),
    ]);
    const called = namesFrom(models.flatMap(({ species }) => species));
    Object.assign(this, { one, other, found, called, names: [one, other].map(modelName) });
    title(text("versus", ...this.names));
    $("comparison-title").replaceChildren(make("span", "overline", text("comparisonOf")), " ", make("span", "", text("versus", ...this.names)));
    $("comparison-lead").textContent = this.#verdict();
    $("comparison-parts").replaceChildren(this.#difference(), this.#both(), this.#species(), this.#where("better"), this.#where("worse"));
  }

  close() {
    this.controller.abort();
    this.recordings.close();
  }

  #verdict() {
    const { value, low, high } = this.found.difference;
    const size = points.format(100 * Math.abs(value)).replace("+", "");
    const words = low > 0 ? text("verdictBetter", this.names[0], size) : high < 0 ? text("verdictBetter", this.names[1], size) : text("verdictOpen");
    return `${text("onBoth", this.found.recordings)} ${words}`;
  }

  #difference() {
    const { difference, only_this: only, only_other: others } = this.found;
    const [value, low, high] = [difference.value, difference.low, difference.high].map((one) => points.format(100 * one));
    const most = Math.max(0.1, Math.abs(difference.low), Math.abs(difference.high));
    const ends = make("p", "ends fine", make("span", "", text("favours", this.names[1])), make("span", "", text("favours", this.names[0])));
    const swap = inside(comparisonPath(this.other, `${this.one.name}:${this.one.version}`), text("swap"));
    return make(
      "section",
      "part",
      make("h2", "", text("difference")),
      make("p", "difference-words", text("pointsInterval", value, low, high)),
      interval(difference, { from: -most, to: most, zero: 0, tint: 2 }),
      ends,
      make("p", "fine", text("leftOut", only, others), " ", swap),
    );
  }

  #both() {
    const { recordings, both_right: both, neither_right: neither, better, worse, top1, other_top1: otherTop1 } = this.found;
    const counts = [
      [both, text("bothRight"), 2],
      [better.length, text("onlyRight", this.names[0]), ONE],
      [worse.length, text("onlyRight", this.names[1]), OTHER],
      [neither, text("neitherRight"), "rest"],
    ];
    const legend = counts.map(([count, words, tint]) => {
      const item = make("li", "", make("b", "", String(count)), ` ${words}`);
      item.dataset.tint = tint;
      return item;
    });
    return make(
      "section",
      "part",
      make("h2", "", text("namedFirst")),
      make("p", "", `${this.names[0]} `, make("b", "", share(top1)), ` · ${this.names[1]} `, make("b", "", share(otherTop1))),
      stacked(counts.map(([count, , tint]) => ({ share: count / recordings, tint }))),
      make("ul", "totals keyed", ...legend),
    );
  }

  #species() {
    const row = ({ species, recordings, right, other_right: otherRight }) => {
      const bar = (count, tint) => make("span", "versus-bar", stacked([{ share: count / recordings, tint }]), make("span", "", text("rightOf", count, recordings)));
      return make("li", "", make("span", "species-who", this.called(species)), make("span", "versus", bar(right, ONE), bar(otherRight, OTHER)));
    };
    const key = [this.names[0], this.names[1]].map((name, place) => {
      const item = make("li", "", name);
      item.dataset.tint = place ? OTHER : ONE;
      return item;
    });
    return make("section", "part", make("h2", "", text("bySpecies")), make("ul", "totals keyed", ...key), make("ol", "species-bars", ...this.found.species.map(row)));
  }

  /** Recordings that only one of the two named rightly. */
  #where(side) {
    const name = this.names[side === "better" ? 0 : 1];
    const said = (place, one) => {
      const who = make("span", "visually-hidden", `${this.names[place]}: `);
      const words = make("span", "said-by", who, one ? `${this.called(one.species)} ${percent(one.confidence)}` : text("saidNothing"));
      words.dataset.tint = place ? OTHER : ONE;
      return words;
    };
    const entries = this.found[side].map((one) => ({
      sha256: one.sha256,
      name: this.called(one.species),
      said: [make("b", "said-what", this.called(one.species)), " ", said(0, one.said), said(1, one.other_said)],
    }));
    const list = make("ol", "recordings");
    if (entries.length) this.recordings.show(list, entries);
    return make("section", "part", make("h2", "", text("whereBetter", name)), entries.length ? list : make("p", "hint", text("nowhere")));
  }
}
