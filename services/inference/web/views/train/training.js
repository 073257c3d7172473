/* One training at its own address: how far it is, what it has learnt, and in the end why it ended. */

import { ask, get, Problem } from "../../lib/api.js";
import { confirmed } from "../../lib/dialog.js";
import { button, inside, make } from "../../lib/dom.js";
import { follow } from "../../lib/events.js";
import { duration, moment, share, since } from "../../lib/format.js";
import { save } from "../../lib/lists.js";
import { say, toast } from "../../lib/notices.js";
import { pathTo, title } from "../../lib/router.js";
import { holds } from "./holds.js";
import { CurvesOfAll, networkName } from "./progress.js";
import { text } from "./words.js";

const ENDED = new Set(["succeeded", "failed", "dead", "cancelled"]);
const $ = (id) => document.getElementById(id);

export const hasEnded = ({ state }) => ENDED.has(state);

/** How far it is, in a sentence of this page; the server's own where it does something else than an epoch. */
function doing({ progress }, last) {
  const words = last && progress.message.includes(", epoch ") ? text("doingEpoch", networkName(last.fold, last.folds), last.epoch, last.epochs) : progress.message;
  const sentence = make("span", "", words || text("waiting"));
  if (words === progress.message && words) sentence.lang = "en";
  return sentence;
}

export class TrainingPage {
  constructor() {
    this.controller = new AbortController();
    this.curves = new CurvesOfAll();
  }

  async open(id) {
    this.close();
    this.controller = new AbortController();
    const { signal } = this.controller;
    this.training = await get(`/trainings/${encodeURIComponent(id)}`, { signal });
    const dataset = await get(`/datasets/${this.training.dataset_id}`, { signal });
    this.curves.clear();
    this.live = null;
    this.training.epochs.forEach((epoch) => this.curves.add(epoch));
    this.#head();
    this.curves.show();
    $("holds").replaceChildren(...holds(dataset.summary));
    this.#settings();
    this.#now();
    if (!hasEnded(this.training)) this.#watch(signal);
  }

  close() {
    this.controller.abort();
  }

  /** Epochs and the job, as they come, until it has ended. */
  #watch(signal) {
    const onEvent = ({ type, data }) => {
      if (type === "epoch") {
        this.curves.add(data);
        this.curves.show();
        $("charts").hidden = false;
      }
      if (type !== "job") return false;
      Object.assign(this.training, { job: data, state: data.state });
      this.#now();
      return hasEnded(data);
    };
    const onAway = (problem) => this.#away(Boolean(problem));
    follow(`/trainings/${this.training.id}/events`, onEvent, { signal, onAway }).then(
      () => signal.aborted || this.#end(signal),
      (problem) => signal.aborted || this.#tell(problem),
    );
  }

  async #end(signal) {
    this.training = await get(`/trainings/${this.training.id}`, { signal });
    this.#now();
    say(text("saidEnded", text("states")[this.training.state]));
  }

  #head() {
    const { name, version, created_at: at } = this.training;
    $("training-title").replaceChildren(make("span", "overline", text("trainingOf")), " ", make("span", "", text("modelName", name, version)));
    $("training-when").textContent = text("begun", since(new Date(at)), moment(new Date(at)));
    title(text("titleOf", name, version));
  }

  /** What is to be said and done at this moment. */
  #now() {
    const { state, job } = this.training;
    const badge = $("training-badge");
    badge.textContent = job.cancel_requested && !hasEnded(this.training) ? text("stopping") : text("states")[state];
    badge.dataset.state = state;
    $("charts").hidden = !this.curves.networks.size;
    if (!hasEnded(this.training)) return this.#running();
    this.live = null;
    $("training-now").replaceChildren(...this.#ended());
  }

  /** The same elements as long as it runs, so that whoever is about to press one does not lose it. */
  #running() {
    const { job } = this.training;
    const { fraction, seconds_left: left } = job.progress;
    this.live ??= this.#liveParts();
    const { bar, line, stop } = this.live;
    if (fraction !== null && job.state === "running") Object.assign(bar, { max: 1, value: fraction });
    else bar.removeAttribute("value");
    const words = job.state === "queued" ? make("span", "", text("queued")) : doing(job, this.curves.last);
    line.replaceChildren(words, ...(left === null ? [] : [" · ", make("span", "hint", text("timeLeft", duration(left)))]));
    stop.disabled = job.cancel_requested;
  }

  #liveParts() {
    const bar = make("progress", "");
    bar.setAttribute("aria-label", text("howFar"));
    const line = make("p", "doing-line");
    const stop = button("button", text("stop"), () => this.#stop());
    $("training-now").replaceChildren(bar, line, make("p", "away hint"), make("div", "actions", stop));
    return { bar, line, stop };
  }

  #ended() {
    const { state, job, model, best_weights: weights, id } = this.training;
    const actions = [];
    const parts = [];
    if (model) {
      const link = inside(pathTo("models", model.name, model.version), text("seeModel"));
      link.className = "button primary";
      actions.push(link);
    }
    if (state === "cancelled") parts.push(make("p", "", text(weights ? "cancelledKept" : "cancelledNothing")));
    if (state === "failed" || state === "dead") {
      const detail = make("p", "", job.error?.detail ?? "");
      detail.lang = "en";
      parts.push(make("div", "notes", make("h2", "", text("failedTitle")), detail, make("p", "fine", text("code", job.error?.code ?? "–"))));
    }
    if (state !== "succeeded") actions.push(button("button primary", text("goOn"), () => this.#goOn()));
    if (weights) actions.push(button("button", text("saveWeights"), () => this.#try(() => save(weights, `${id}.pt`))));
    const warnings = job.result?.warnings ?? [];
    if (warnings.length) {
      const list = make("ul", "", ...warnings.map((words) => make("li", "", words)));
      list.lang = "en";
      parts.push(make("div", "notes", make("h2", "", text("warnings")), list));
    }
    const took = job.started_at && job.finished_at ? (new Date(job.finished_at) - new Date(job.started_at)) / 1000 : null;
    if (took !== null) parts.unshift(make("p", "hint", text("took", duration(took))));
    return [...parts, make("div", "actions", ...actions)];
  }

  async #stop() {
    const yes = await confirmed({ title: text("stopTitle"), detail: text("stopDetail"), yes: text("stopYes") });
    if (!yes) return;
    await this.#try(async () => {
      const answer = await ask(`/trainings/${this.training.id}`, { method: "DELETE" });
      const { job, state } = await answer.json();
      Object.assign(this.training, { job, state });
      this.#now();
    });
  }

  /** After its last whole epoch. */
  async #goOn() {
    await this.#try(async () => {
      await ask(`/jobs/${this.training.job.id}/retry`, { method: "POST" });
      await this.open(this.training.id);
    });
  }

  async #try(act) {
    try {
      await act();
    } catch (problem) {
      this.#tell(problem);
    }
  }

  #tell(problem) {
    if (!(problem instanceof Problem)) throw problem;
    toast([problem.message, problem.detail].filter(Boolean).join(". "));
  }

  #away(on) {
    const line = document.querySelector("#training-now .away");
    if (line) line.textContent = on ? text("away") : "";
  }

  #settings() {
    const { config, epochs } = this.training;
    const best = Math.max(...epochs.map(({ val_top1: value }) => value ?? -1));
    const rows = [
      [text("recipe"), text("recipeNames")[config.recipe] ?? config.recipe],
      [text("network"), config.network],
      [text("epochs"), String(config.epochs)],
      [text("testing"), text("foldsChoice", config.folds)],
      [text("seed"), String(config.seed)],
      best >= 0 ? [text("bestSoFar"), share(best)] : null,
      [text("dataset"), this.training.dataset_id],
    ].filter(Boolean);
    $("settings").replaceChildren(...rows.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
  }
}
