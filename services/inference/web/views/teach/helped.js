/* Whether it helped: the model that was in doubt learns again with what was taught, and is compared with itself. */

import { get, Problem } from "../../lib/api.js";
import { confirmed } from "../../lib/dialog.js";
import { button, inside, make } from "../../lib/dom.js";
import { number } from "../../lib/format.js";
import { all } from "../../lib/lists.js";
import { over } from "../../lib/jobs.js";
import { pathTo } from "../../lib/router.js";
import { complain, counts } from "./server.js";
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
  /** What can be done with what was taught to a model {name, version}. */
  async show(model, signal) {
    $("helped").hidden = !model;
    if (!model) return;
    const turn = (this.turn = {});
    try {
      const seen = await this.#look(model, signal);
      if (signal.aborted || turn !== this.turn) return;
      Object.assign(this, seen, { signal });
      this.#draw();
    } catch (problem) {
      if (!signal.aborted) complain(problem);
    }
  }

  async #look({ name, version }, signal) {
    const [models, { items: trainings }] = await Promise.all([all("/models", { signal }), get(`/trainings?limit=${LATEST}`, { signal })]);
    const later = (one) => one.name === name && Number(one.version) > Number(version);
    const model = models.find((one) => one.name === name && one.version === version) ?? { name, version };
    const versions = [...models.filter(later).sort((a, b) => b.version - a.version), model];
    const newer = versions.length > 1 ? versions[0] : null;
    const [comparison, learnt] = await Promise.all([
      newer ? there(`/models/${name}/${newer.version}/comparison?${new URLSearchParams({ other: `${name}:${version}` })}`, signal) : null,
      this.#learnt(versions.find((one) => one.training_id) ?? model, signal),
    ]);
    return { model, newer, comparison, ...learnt, running: trainings.find((one) => later(one) && !over(one.state)) ?? null };
  }

  /** How a model was trained here, on what, and what was said since that was frozen; `training` is null where it was not. */
  async #learnt({ training_id: id }, signal) {
    const training = id ? await there(`/trainings/${encodeURIComponent(id)}`, signal) : null;
    if (!training) return { training };
    const dataset = await get(`/datasets/${encodeURIComponent(training.dataset_id)}`, { signal });
    const { reviewed, verdicts, taking } = await counts({ since: dataset.created_at }, signal);
    return { training, dataset, fresh: reviewed - verdicts.unknown, taking };
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
      const again = button("button primary", this.fresh ? text("trainAgain") : text("nothingNew", this.training.version), () => this.#train());
      again.disabled = !this.fresh || this.taking > 0;
      actions.push(again);
    }
    if (this.newer) words.unshift(...this.#headline());
    if (this.comparison) actions.push(linked(`${pathTo("models", "compare")}?${new URLSearchParams({ a: `${name}:${this.newer.version}`, b: `${name}:${version}` })}`, text("compare")));
    $("helped-words").replaceChildren(...words);
    $("helped-actions").replaceChildren(...actions);
  }

  #advice() {
    const { name, version } = this.training;
    if (!this.fresh) return text("teachFirst");
    return this.taking ? text("takenFirst", this.taking) : text("canLearn", this.fresh, name, version);
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
    const { name, config } = this.training;
    const { parameters: before, summary } = this.dataset;
    try {
      const parameters = withTaught(before);
      const { recordings } = await get("/datasets/preview", { json: parameters, signal: this.signal });
      const detail = text("trainDetail", name, number(recordings), number(summary.recordings));
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
