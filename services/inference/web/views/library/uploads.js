/* Uploads: one file after another, each with how far it is, and what became of it once the server has looked into it. */

import { Problem, upload } from "../../lib/api.js";
import { inside, make } from "../../lib/dom.js";
import { acceptDrops } from "../../lib/drop.js";
import { bytes, percent } from "../../lib/format.js";
import { bar, over, reasonOf } from "../../lib/jobs.js";
import { pathTo } from "../../lib/router.js";
import { shared } from "../../lib/strings.js";
import { suggestSpecies } from "../../lib/suggest.js";
import { watchPreparation } from "./watching.js";
import { text } from "./words.js";

const $ = (id) => document.getElementById(id);

/** How a file stands, as the end of its line. */
function standing({ state, sent, answer, reason }) {
  if (state === "refused") return [make("span", "reason", reason)];
  if (state === "sending") return [bar(sent), make("span", "hint", text("sending", percent(sent)))];
  if (state === "preparing") return [bar(null), make("span", "hint", text("preparing"))];
  if (state !== "done") return [make("span", "hint", text(state))];
  const said = text(answer.restored ? "uploadRestored" : answer.known ? "uploadKnown" : "uploadDone");
  return [make("span", "hint", said), inside(pathTo("library", "recordings", answer.recording.id), shared("toRecording"))];
}

export class Uploads {
  constructor({ signal }) {
    Object.assign(this, { rows: [], controller: new AbortController() });
    this.#count();
    suggestSpecies($("upload").elements.label, $("upload-species"));
    $("choose").addEventListener("click", () => $("files").click());
    $("upload-stop").addEventListener("click", () => this.stop());
    $("upload").addEventListener("submit", (event) => event.preventDefault());
    $("files").addEventListener("change", ({ target }) => {
      const files = [...target.files];
      target.value = ""; // so that the same file can be chosen again
      this.start(files);
    });
    acceptDrops($("drop"), { take: (files) => this.start(files), enabled: () => !$("from-upload").hidden && !$("add").hidden, signal });
  }

  /** Sends these files, after those that are still being sent. */
  async start(files) {
    const rows = files.map((file) => ({ file, state: "waiting", sent: 0 }));
    const busy = this.rows.some(({ state }) => state === "waiting" || state === "sending");
    if (!busy) this.controller = new AbortController();
    this.rows.push(...rows);
    $("uploads").append(...rows.map((row) => (row.element = make("li", ""))));
    rows.forEach((row) => this.#set(row));
    if (!busy) await this.#sendAll(this.controller.signal);
  }

  /** Leaves what is not sent yet; what is sent is prepared all the same. */
  stop() {
    this.controller.abort();
    for (const row of this.rows) if (row.state === "waiting" || row.state === "sending") this.#set(row, { state: "stopped" });
  }

  async #sendAll(signal) {
    for (let row; (row = this.rows.find(({ state }) => state === "waiting")) && !signal.aborted; ) {
      this.#set(row, { state: "sending" });
      try {
        if (!row.file.size) throw new Problem("empty-file");
        const fields = Object.fromEntries(new FormData($("upload")));
        const answer = await upload("/recordings", row.file, { fields, onSent: (sent) => this.#set(row, { sent }), signal });
        this.#set(row, { answer, state: answer.job ? "preparing" : "done" });
        if (answer.job) this.#follow(row, signal);
      } catch (problem) {
        if (signal.aborted) return;
        this.#refuse(row, [problem.message, problem.hint].filter(Boolean).join(". "));
      }
    }
  }

  /** Until the server has prepared it, while the next one is sent. */
  async #follow(row, signal) {
    const onSeen = ({ state, error }) => {
      if (state === "succeeded") this.#set(row, { state: "done" });
      else if (over(state)) this.#refuse(row, error ? reasonOf(error) : text("stopped"));
    };
    try {
      await watchPreparation(row.answer.job.id, onSeen, { signal });
    } catch (problem) {
      if (!signal.aborted) this.#refuse(row, problem.message);
    }
  }

  #refuse(row, reason) {
    this.#set(row, { state: "refused", reason });
  }

  #set(row, change = {}) {
    Object.assign(row, change);
    row.element.dataset.state = row.state;
    row.element.replaceChildren(make("span", "who", row.file.name), make("span", "hint", bytes(row.file.size)), make("span", "standing", ...standing(row)));
    this.#count();
  }

  #count() {
    const settled = this.rows.filter(({ state }) => state === "done" || state === "refused").length;
    $("upload-count").textContent = text("uploadCount", settled, this.rows.length);
    $("upload-stop").hidden = !this.rows.some(({ state }) => state === "waiting" || state === "sending");
  }
}
