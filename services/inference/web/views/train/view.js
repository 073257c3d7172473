/* Train: what the library could teach, a form to start with, the trainings there are, and each by its own address. */

import { get, Problem } from "../../lib/api.js";
import { inside, make } from "../../lib/dom.js";
import { follow } from "../../lib/events.js";
import { duration, share, since } from "../../lib/format.js";
import { go, opened, pathTo, title } from "../../lib/router.js";
import { loadNames } from "../../lib/species.js";
import { Plan } from "./plan.js";
import { Preview } from "./preview.js";
import { hasEnded, TrainingPage } from "./training.js";
import { text } from "./words.js";

export { text };

const SHOWN = 8;
const FOLLOWED = 3; // trainings of the list whose events are followed; a browser opens six connections
const $ = (id) => document.getElementById(id);

/** The figure of a training that a list shows: the model's own is on its page. */
function accuracy({ epochs }) {
  const last = epochs.findLast(({ val_top1: value }) => value !== null);
  return last ? text("lately", share(last.val_top1)) : "";
}

function row({ id, name, version, state, job, created_at: at, epochs }) {
  const pill = make("span", "pill", text("states")[state]);
  pill.dataset.state = state;
  const { fraction, seconds_left: left } = job.progress;
  const running = state === "running" && fraction !== null;
  const bar = make("progress", "");
  if (running) Object.assign(bar, { max: 1, value: fraction });
  bar.setAttribute("aria-label", text("howFar"));
  const about = running ? [bar, make("span", "hint", left === null ? "" : text("timeLeft", duration(left)))] : [make("span", "hint", accuracy({ epochs }))];
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
    $("trainings-more").addEventListener("click", () => this.#list(this.trainings.length));
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
    const [{ items }] = await Promise.all([get("/trainings?limit=100", { signal }), this.loaded || this.#load(signal)]);
    this.trainings = items;
    this.#list(SHOWN);
    for (const training of items.filter((one) => !hasEnded(one)).slice(0, FOLLOWED)) this.#follow(training);
    if (!$("workbench").hidden) await this.preview.ask();
  }

  async #load(signal) {
    const count = await this.plan.load({ signal });
    $("workbench").hidden = count < 2;
    $("train-empty").hidden = count >= 2;
    this.loaded = true;
  }

  #list(count) {
    $("trainings").hidden = !this.trainings.length;
    $("trainings-list").replaceChildren(...this.trainings.slice(0, count).map(row));
    $("trainings-more").hidden = this.trainings.length <= count;
    $("trainings-more").textContent = text("more", this.trainings.length);
  }

  /** Keeps a row as it is. */
  #follow(training) {
    const { signal } = this.controller;
    const onEvent = ({ type, data }) => {
      if (type === "epoch") training.epochs.push(data);
      else Object.assign(training, { job: data, state: data.state });
      const [before, after] = [$("trainings-list").querySelector(`[data-id="${training.id}"]`), row(training)];
      const focused = before?.contains(document.activeElement);
      before?.replaceWith(after);
      if (focused) after.querySelector("a").focus();
      return hasEnded(training);
    };
    follow(`/trainings/${training.id}/events`, onEvent, { signal }).catch(() => {}); // the list stays as it was
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
