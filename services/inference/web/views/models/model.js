/* One model: its card, as a page. */

import { get, Problem } from "../../lib/api.js";
import { button, inside, make, outside } from "../../lib/dom.js";
import { number, percent, share } from "../../lib/format.js";
import { fileAddress, save } from "../../lib/lists.js";
import { toast } from "../../lib/notices.js";
import { go, pathTo, title } from "../../lib/router.js";
import { language } from "../../lib/strings.js";
import { interval, wilson } from "../../figures/bars.js";
import { activate } from "./activate.js";
import { confusion, mistakes } from "./answers.js";
import { figures } from "./figures.js";
import { Matrix } from "./matrix.js";
import { modelName, namesFrom } from "./names.js";
import { Recordings } from "./recordings.js";
import { text } from "./words.js";

const SUFFIXES = { model: ".pt", pt2: ".pt2", onnx: ".onnx", card: ".md", predictions: ".json" };
const PICTURES = ["confusion", "species", "reliability", "curves", "unknown"];
const MOST_IN_MATRIX = 60; // species: of more, the list has to do
const COMMONEST = 12;
const HEARD = 30; // recordings of a field
const day = new Intl.DateTimeFormat(language, { dateStyle: "long" });
const $ = (id) => document.getElementById(id);

export class ModelPage {
  constructor() {
    this.controller = new AbortController();
    this.recordings = new Recordings();
    this.matrix = new Matrix($("matrix"), { onCell: (cell) => this.#hear(cell) });
  }

  async open(name, version, models) {
    this.close();
    this.controller = new AbortController();
    const { signal } = this.controller;
    const path = `/models/${encodeURIComponent(name)}/${encodeURIComponent(version)}`;
    const model = await get(path, { signal });
    const predictions = model.files.includes("predictions") ? await get(`${path}/predictions`, { signal }) : null;
    Object.assign(this, { path, model, predictions, models, name: namesFrom(model.species) });
    this.#head();
    this.#figures();
    this.#confusions();
    this.#pictures(signal);
    this.#made();
    this.#credits();
  }

  close() {
    this.controller.abort();
    this.recordings.close();
  }

  #head() {
    const { model } = this;
    title(modelName(model));
    $("model-title").textContent = modelName(model);
    $("model-facts").textContent = text("facts", model.network, model.labels, number(model.recordings), day.format(new Date(model.created_at)));
    const downloads = make("details", "downloads", make("summary", "button", text("download")), make("ul", "", ...model.files.filter((file) => file in SUFFIXES).map((file) => make("li", "", button("link", text("files")[file], () => this.#save(file))))));
    const pill = make("span", "pill", text("active"));
    pill.dataset.state = "active";
    const wake = button("button primary", text("activate"), () => this.#activate());
    const training = model.training_id ? inside(pathTo("train", model.training_id), text("seeTraining")) : null;
    if (training) training.className = "button";
    $("model-actions").replaceChildren(...[model.active ? pill : wake, downloads, this.#comparisons(), training].filter(Boolean));
  }

  /** Models that single recordings are known of. */
  #comparisons() {
    const others = this.models.filter((one) => one.id !== this.model.id && one.files.includes("predictions"));
    if (!this.predictions || !others.length) return null;
    const choice = make("select", "field compare-with", new Option(text("chooseOther"), ""), ...others.map((one) => new Option(modelName(one), `${one.name}:${one.version}`)));
    choice.setAttribute("aria-label", text("compareWith"));
    choice.addEventListener("change", () => choice.value && go(comparisonPath(this.model, choice.value)));
    return make("label", "compare-label", `${text("compareWith")} `, choice);
  }

  async #save(file) {
    const { name, version } = this.model;
    await this.#try(() => save(`${this.path}/${file}`, `${name}-${version}${SUFFIXES[file]}`));
  }

  async #activate() {
    await this.#try(async () => {
      if (!(await activate(this.model))) return;
      this.model.active = true;
      this.#head();
    });
  }

  async #try(act) {
    try {
      await act();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      toast([problem.message, problem.detail].filter(Boolean).join(". "));
    }
  }

  #figures() {
    const shown = figures(this.model.metrics);
    $("figures-note").textContent = text(shown.length ? "howGoodNote" : "howGoodNone");
    $("model-figures").replaceChildren(...shown);
  }

  #confusions() {
    const { predictions } = this;
    $("heard-as").hidden = true;
    $("species-part").hidden = $("confusion-part").querySelector(".confusion").hidden = !predictions;
    if (!predictions) {
      $("confusion-note").textContent = text("confusionNone");
      return;
    }
    this.counted = confusion(predictions);
    this.labels = predictions.labels.map((label) => this.name(label));
    const { length } = predictions.recordings;
    $("confusion-note").textContent = length < predictions.tested ? text("confusionSome", number(length), number(predictions.tested)) : text("confusionNote", number(length));
    $("matrix").hidden = this.labels.length > MOST_IN_MATRIX;
    if (!$("matrix").hidden) this.matrix.show(this.labels, this.counted);
    this.#listMistakes();
    this.#listSpecies();
  }

  #listMistakes() {
    const found = mistakes(this.counted).slice(0, COMMONEST);
    const row = ({ is, said, recordings }) => {
      const words = text("mistake", this.labels[is], this.labels[said]);
      return make("li", "", button("link", words, () => this.#hear({ is, said })), make("span", "hint", ` ${text("ofAll", recordings.length, this.counted.totals[is])}`));
    };
    $("commonest").replaceChildren(...(found.length ? found.map(row) : [make("li", "hint", text("noMistakes"))]));
  }

  #listSpecies() {
    const { counts, totals } = this.counted;
    const rows = totals
      .map((total, label) => ({ label, total, right: counts[label][label].length }))
      .filter(({ total }) => total)
      .sort((a, b) => b.right / b.total - a.right / a.total || b.total - a.total);
    const row = ({ label, total, right }) => {
      const metric = wilson(right, total);
      return make("li", "", make("span", "species-who", this.labels[label]), interval(metric, { tint: 1 }), make("span", "species-right", share(metric.value), make("span", "hint", ` ${text("rightOf", right, total)}`)));
    };
    $("species-bars").replaceChildren(...rows.map(row));
  }

  /** The recordings of a field of the matrix, to be listened to. */
  #hear({ is, said }) {
    const { labels } = this;
    const recordings = this.counted.counts[is][said];
    const entries = recordings.slice(0, HEARD).map((one) => ({
      sha256: one.sha256,
      name: labels[is],
      said: [`${text("itSaid")} `, ...one.ranking.slice(0, 3).flatMap(([label, sure], place) => [place ? ", " : "", make(label === is ? "b" : "span", "", `${labels[label]} ${percent(sure)}`)])],
    }));
    $("heard-as").hidden = false;
    $("heard-as-title").textContent = is === said ? text("heardRight", labels[is]) : text("heardAs", labels[is], labels[said]);
    this.recordings.close();
    this.recordings.show($("heard-as-list"), entries);
    if (recordings.length > HEARD) $("heard-as-list").append(make("li", "hint", text("shownOf", HEARD, recordings.length)));
    $("heard-as").scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    $("heard-as-title").focus({ preventScroll: true });
  }

  /** The trainer's own; where single predictions are known, only what the page does not show itself. */
  #pictures(signal) {
    const shownAnyway = this.predictions ? new Set(["confusion", "species"]) : new Set();
    const there = PICTURES.filter((file) => this.model.files.includes(file) && !shownAnyway.has(file));
    $("pictures-part").hidden = !there.length;
    $("pictures").replaceChildren(
      ...there.map((file) => {
        const image = Object.assign(make("img", ""), { alt: text("pictureNames")[file] });
        fileAddress(`${this.path}/${file}`, { accept: "image/png", signal }).then(
          (address) => (image.src = address),
          () => image.remove(),
        );
        return make("figure", "", make("figcaption", "", text("pictureNames")[file]), image);
      }),
    );
  }

  #made() {
    const { model } = this;
    const rows = [
      [text("network"), model.network],
      [text("window"), text("windowWords", number(model.window_seconds), number(model.step_seconds))],
      [text("created"), day.format(new Date(model.created_at))],
      [text("threshold"), text("thresholdWords", percent(model.default_min_confidence), Object.keys(model.thresholds).length)],
      [text("dataset"), `${model.dataset.id} (${model.dataset.sha256.slice(0, 12)})`],
      [text("hash"), model.sha256.slice(0, 16)],
    ];
    $("made").replaceChildren(...rows.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
    $("limits").replaceChildren(...text("limits", model.labels).map((words) => make("li", "", words)));
  }

  #credits() {
    const { credits } = this.model;
    const people = new Set(credits.map(({ recordist }) => recordist).filter(Boolean));
    const notes = [
      credits.length ? text("creditsNote", new Set(credits.map(({ sha256 }) => sha256)).size, people.size) : text("creditsNone"),
      credits.some(({ licence }) => /\bnc\b/i.test(licence)) ? text("nonCommercial") : "",
      credits.some(({ licence }) => /\bnd\b/i.test(licence)) ? text("noDerivatives") : "",
    ];
    $("credits-note").textContent = notes.filter(Boolean).join(" ");
    const licences = new Map();
    for (const { licence } of credits) licences.set(licence, 1 + (licences.get(licence) ?? 0));
    const commonFirst = [...licences].sort((a, b) => b[1] - a[1]);
    $("credits-licences").replaceChildren(...commonFirst.map(([name, count]) => make("li", "", make("b", "", number(count)), ` ${name || text("unknownLicence")}`)));
    $("credits").hidden = !credits.length;
    const head = ["species", "recording", "recordist", "licence"].map((key) => Object.assign(make("th", "", text(key)), { scope: "col" }));
    const row = ({ species, xc_id: xc, sha256, recordist, licence }) =>
      make(
        "tr",
        "",
        make("td", "", this.name(species)),
        make("td", "", xc ? outside(`https://xeno-canto.org/${encodeURIComponent(xc)}`, text("xenoCanto", xc)) : sha256.slice(0, 12)),
        make("td", "", recordist || text("unknownPerson")),
        make("td", "", licence || text("unknownLicence")),
      );
    const sorted = credits.toSorted((a, b) => a.species.localeCompare(b.species) || (a.xc_id ?? "").localeCompare(b.xc_id ?? ""));
    $("credits-table").replaceChildren(make("thead", "", make("tr", "", ...head)), make("tbody", "", ...sorted.map(row)));
  }
}

/** Where a model and another, `name:version`, stand side by side. */
export const comparisonPath = ({ name, version }, other) => `${pathTo("models", "compare")}?${new URLSearchParams({ a: `${name}:${version}`, b: other })}`;
