/* Several recordings, heard one after another: a list that says how far each is. */

import { share } from "../../lib/format.js";
import { bar } from "../../lib/jobs.js";
import { make } from "../../lib/dom.js";
import { say } from "../../lib/notices.js";
import { resultRow, summary } from "./result.js";
import { text } from "./words.js";

export const SEVERAL = "several";
const $ = (id) => document.getElementById(id);

/** How a recording of the list stands, as the end of its line. */
function standing({ state, sent, heard, answer, problem }) {
  if (state === "heard") return summary(answer);
  if (state === "failed") return [make("span", "who problem-line", `${problem.message}. ${problem.hint}`)];
  if (state !== "listening") return [make("span", "hint", text(state))];
  return [make("span", "hint", sent < 1 ? text("sendingShort", share(sent)) : text("listening")), bar(sent < 1 ? sent : heard)];
}

export class Several {
  /** `hear(file, {onSent, onHeard, signal})` gives the answer and where it is to be seen, {answer, href}, or rejects with a Problem. */
  constructor({ hear }) {
    Object.assign(this, { hear, rows: [], controller: new AbortController() });
    $("several-stop").addEventListener("click", () => this.stop());
  }

  get any() {
    return this.rows.length > 0;
  }

  /** Hears these files, in their order, until all are heard or it is stopped. */
  async start(files) {
    this.stop();
    this.controller = new AbortController();
    const { signal } = this.controller;
    const rows = files.map((file) => ({ file, state: "waiting", sent: 0, heard: null }));
    this.rows = rows;
    this.show();
    for (const row of rows) {
      Object.assign(row, { state: "listening" });
      this.show();
      const onStep = (step) => {
        Object.assign(row, step);
        this.#refresh(row);
      };
      const how = { onSent: (sent) => onStep({ sent }), onHeard: (heard) => onStep({ heard }), signal };
      try {
        Object.assign(row, await this.hear(row.file, how), { state: "heard" });
      } catch (problem) {
        if (signal.aborted) return;
        Object.assign(row, { state: "failed", problem });
      }
      this.show();
      say(text("severalDone", this.#done().length, rows.length));
    }
  }

  /** Leaves what is not heard yet. */
  stop() {
    this.controller.abort();
    for (const row of this.rows) if (row.state === "waiting" || row.state === "listening") row.state = "stopped";
    if (this.any) this.show();
  }

  show() {
    const [done, { rows }] = [this.#done(), this];
    $("several-title").textContent = text("severalTitle", rows.length);
    $("several-count").textContent = text("severalDone", done.length, rows.length);
    Object.assign($("several-progress"), { max: rows.length || 1, value: done.length });
    $("several-stop").hidden = !rows.some(({ state }) => state === "listening");
    $("several-list").replaceChildren(...rows.map((row) => this.#element(row)));
  }

  #done() {
    return this.rows.filter(({ state }) => state === "heard" || state === "failed");
  }

  #element(row) {
    const element = resultRow({ href: row.href, name: row.file.name, about: standing(row), answer: row.answer });
    element.dataset.state = row.state;
    return element;
  }

  #refresh(row) {
    $("several-list").children[this.rows.indexOf(row)]?.replaceWith(this.#element(row));
  }
}
