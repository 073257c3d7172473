/* Whether it helped: the model that was in doubt learns again with what was taught, and is compared with itself. */

import { get, Problem } from "../../lib/api.js";
import { confirmed } from "../../lib/dialog.js";
import { button, inside, make } from "../../lib/dom.js";
import { number } from "../../lib/format.js";
import { all } from "../../lib/lists.js";
import { over } from "../../lib/jobs.js";
import { pathTo } from "../../lib/router.js";
import { complain } from "./server.js";
import { text } from "./words.js";

const LATEST = 100; // trainings that are looked through
const $ = (id) => document.getElementById(id);

const linked = (href, words, className = "button") => Object.assign(inside(href, words), { className });

/** What a path answers; null where there is nothing, or nothing for this key. */
async function there(path, signal) {
  try {
    return await get(path, { signal });
  } catch (problem) {
    if (problem instanceof Problem && !problem.again) return null;
    throw problem;
  }
}

/** As the dataset it learnt from; where that took only recordings of some sources or grades, those that were taught belong to it, too. */
export function withTaught({ source, quality, ...parameters }) {
  const also = (list, one) => (list && !list.includes(one) ? [...list, one] : list);
  return { ...parameters, source: also(source, "review"), quality: also(quality, "unrated") };
}

export class Helped {
  /** What can be done with what was taught to a model {name, version}; `taught` counts reviews that a model can learn from. */
  async show(model, { taught, taking }, signal) {
    Object.assign(this, { taught, taking, signal });
    $("helped").hidden = !model;
    if (!model) return;
    try {
      await this.#look(model);
      if (!signal.aborted) this.#draw();
    } catch (problem) {
      if (!signal.aborted) complain(problem);
    }
  }

  async #look({ name, version }) {
    const { signal } = this;
    const [models, { items: trainings }] = await Promise.all([all("/models", { signal }), get(`/trainings?limit=${LATEST}`, { signal })]);
    const later = (one) => one.name === name && Number(one.version) > Number(version);
    this.model = models.find((one) => one.name === name && one.version === version) ?? { name, version };
    this.training = this.model.training_id ? await there(`/trainings/${this.model.training_id}`, signal) : null;
    this.running = trainings.find((one) => later(one) && !over(one.state)) ?? null;
    this.newer = models.filter(later).sort((a, b) => b.version - a.version)[0] ?? null;
    this.comparison = this.newer ? await there(`/models/${name}/${this.newer.version}/comparison?${new URLSearchParams({ other: `${name}:${version}` })}`, signal) : null;
  }

  #draw() {
    const { name, version } = this.model;
    const words = [];
    const actions = [];
    if (!this.training) {
      words.push(make("p", "", text("notTrainedHere", name, version)));
      actions.push(linked(pathTo("train"), text("toTrain")));
    } else if (this.running) {
      words.push(make("p", "", text("learning", name, this.running.version)));
      actions.push(linked(pathTo("train", this.running.id), text("watchIt"), "button primary"));
    } else {
      words.push(make("p", "", this.#advice()));
      const again = button("button primary", text("trainAgain"), () => this.#train());
      again.disabled = !this.taught || this.taking > 0;
      actions.push(again);
    }
    if (this.newer) words.unshift(...this.#headline());
    if (this.comparison) actions.push(linked(`${pathTo("models", "compare")}?${new URLSearchParams({ a: `${name}:${this.newer.version}`, b: `${name}:${version}` })}`, text("compare")));
    $("helped-words").replaceChildren(...words);
    $("helped-actions").replaceChildren(...actions);
  }

  #advice() {
    if (!this.taught) return text("teachFirst");
    if (this.taking) return text("takenFirst", this.taking);
    return text("canLearn", this.taught, this.model.name, this.model.version);
  }

  /** On how many recordings that both held out the new one is right where the old one was not, and the other way round. */
  #headline() {
    const { name, version } = this.newer;
    if (!this.comparison) return [make("p", "", text("notCompared", name, version))];
    const { recordings, top1, other_top1: before, both_right: both } = this.comparison;
    const [better, worse] = [top1, before].map((share) => Math.round(share * recordings) - both);
    return [make("p", "better", text("better", name, version, number(better), number(worse))), make("p", "fine", text("onBoth", number(recordings), this.model.version))];
  }

  async #train() {
    const { name, config, dataset_id: id } = this.training;
    try {
      const dataset = await get(`/datasets/${id}`, { signal: this.signal });
      const parameters = withTaught(dataset.parameters);
      const { recordings } = await get("/datasets/preview", { json: parameters, signal: this.signal });
      const detail = text("trainDetail", name, number(recordings), number(dataset.summary.recordings));
      if (!(await confirmed({ title: text("trainTitle", name), detail, yes: text("trainYes") }))) return;
      const frozen = await get("/datasets", { json: parameters });
      this.running = await get("/trainings", { json: { name, dataset_id: frozen.id, config } });
      this.#draw();
      $("helped-actions").querySelector("a").focus();
    } catch (problem) {
      if (!this.signal.aborted) complain(problem);
    }
  }
}
