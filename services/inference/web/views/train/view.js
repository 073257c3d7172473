/* Train: what the library could teach, a form to start with, the trainings there are, and each by its own address. */

import { get, Problem } from "../../lib/api.js";
import { inside, make } from "../../lib/dom.js";
import { duration, share, since } from "../../lib/format.js";
import { watch } from "../../lib/moves.js";
import { go, opened, pathTo, title } from "../../lib/router.js";
import { loadNames } from "../../lib/species.js";
import { Plan } from "./plan.js";
import { Preview } from "./preview.js";
import { hasEnded, TrainingPage } from "./training.js";
import { text } from "./words.js";

export { text };

const SHOWN = 8;
const AT_ONCE = 100;
const JOBS = "/jobs/events?kind=trainer.train";
const $ = (id) => document.getElementById(id);

function row({ id, name, version, state, job, created_at: at, val_top1: right }) {
  const pill = make("span", "pill", text("states")[state]);
  pill.dataset.state = state;
  const { fraction, seconds_left: left } = job.progress;
  const running = state === "running" && fraction !== null;
  const bar = make("progress", "");
  if (running) Object.assign(bar, { max: 1, value: fraction });
  bar.setAttribute("aria-label", text("howFar"));
  const about = running ? [bar, make("span", "hint", left === null ? "" : text("timeLeft", duration(left)))] : [make("span", "hint", right === null ? "" : text("lately", share(right)))];
  const item = make("li", "", inside(pathTo("train", id), text("modelName", name, version)), pill, make("span", "row-about", ...about), make("time", "hint", since(new Date(at))));
  item.dataset.id = id;
  return item;
}

class Train {
  constructor() {
    this.controller = new AbortController();
    this.plan = new Plan({ onChange: () => this.preview.soon(), onStart: () => this.#start() });
    this.preview = new Preview($("preview"), {
      selection: () => (this.plan.chosen < 2 ? null : this.plan.selection),
      onKnown: ({ licences }) => this.plan.offerLicences(Object.keys(licences)),
    });
    this.page = new TrainingPage();
    this.loaded = false;
    $("trainings-more").addEventListener("click", () => {
      this.shown = this.trainings.length;
      this.#list();
    });
  }

  async show({ path: [id] }) {
    this.#leave();
    $("train-home").hidden = id !== undefined;
    $("training").hidden = id === undefined;
    if (id === undefined) await this.#home();
    else await this.page.open(id);
    if (this.moved) $(id === undefined ? "train-title" : "training-title").focus({ preventScroll: true });
    this.moved = true;
  }

  close() {
    this.#leave();
    this.page.curves.close();
  }

  #leave() {
    this.controller.abort();
    this.controller = new AbortController();
    this.preview.close();
    this.page.close();
  }

  async #home() {
    title(text("title"));
    const { signal } = this.controller;
    this.shown = SHOWN;
    await Promise.all([this.#look(signal), this.loaded || this.#load(signal)]);
    watch(JOBS, { reload: () => this.#look(signal), onMoved: (_type, { jobs }) => this.#moved(jobs), signal }).catch(() => {}); // the list stays as it was
    if (!$("workbench").hidden) await this.preview.ask();
  }

  async #load(signal) {
    const count = await this.plan.load({ signal });
    $("workbench").hidden = count < 2;
    $("train-empty").hidden = count >= 2;
    this.loaded = true;
  }

  async #look(signal) {
    this.trainings = (await get(`/trainings?limit=${AT_ONCE}`, { signal })).items;
    this.#list();
  }

  #list() {
    $("trainings").hidden = !this.trainings.length;
    $("trainings-list").replaceChildren(...this.trainings.slice(0, this.shown).map(row));
    $("trainings-more").hidden = this.trainings.length <= this.shown;
    $("trainings-more").textContent = text("more", this.trainings.length);
  }

  /** Keeps rows as they are; false where the list has to be asked for anew: one is new, or has ended with a figure. */
  #moved(jobs) {
    for (const job of jobs) {
      const training = this.trainings.find(({ id }) => id === job.about);
      if (!training && this.trainings.length === AT_ONCE && new Date(job.created_at) < new Date(this.trainings.at(-1).created_at)) continue;
      if (!training || hasEnded(job) !== hasEnded(training)) return false;
      Object.assign(training, { job, state: job.state });
      this.#replace(training);
    }
    return true;
  }

  #replace(training) {
    const [before, after] = [$("trainings-list").querySelector(`[data-id="${training.id}"]`), row(training)];
    const focused = before?.contains(document.activeElement);
    before?.replaceWith(after);
    if (focused) after.querySelector("a").focus();
  }

  async #start() {
    const [form, problem] = [$("plan"), $("start-problem")];
    problem.hidden = true;
    if (!form.reportValidity()) return;
    $("start").disabled = true;
    try {
      const { id } = await get("/trainings", { json: this.plan.training });
      await go(pathTo("train", id));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.hidden = false;
      problem.replaceChildren(make("b", "", error.message), make("p", "", [error.detail, error.hint].filter(Boolean).join(" ")));
    } finally {
      $("start").disabled = false;
    }
  }
}

export async function open(_root, route) {
  const view = new Train();
  await loadNames();
  return opened(view, route);
}
