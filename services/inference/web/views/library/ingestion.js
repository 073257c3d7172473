/* One ingestion: how far it is, how many are in, and what was left out and why. */

import { get } from "../../lib/api.js";
import { button, inside, make } from "../../lib/dom.js";
import { moment, number } from "../../lib/format.js";
import { over, reasonOf, stateBadge } from "../../lib/jobs.js";
import { toast } from "../../lib/notices.js";
import { Pages } from "../../lib/pages.js";
import { pathTo, title } from "../../lib/router.js";
import { askedFor, standing } from "./add.js";
import { watchIngestion } from "./watching.js";
import { text } from "./words.js";

const COUNTED = ["prepared", "waiting", "listed", "known", "refused", "unusable", "skipped", "cancelled"];
const LEFT_OUT = ["refused", "unusable", "skipped"];
const $ = (id) => document.getElementById(id);

function problemRow({ path, code, detail, recording_id: id }) {
  const name = make("b", "", id ? inside(pathTo("library", "recordings", id), path) : path);
  return make("li", "", name, make("span", "reason", text("leftOut")[code] ?? reasonOf({ code, detail })));
}

export class IngestionPage {
  constructor() {
    this.pages = new Pages({ list: $("left-out-list"), more: $("left-out-more"), row: problemRow, onProblem: ({ message }) => toast(message) });
    $("ingestion-stop").addEventListener("click", () => this.#stop());
  }

  /** Shows it, and follows it until it is over. Rejects with a Problem where there is no such ingestion. */
  async show(id, signal) {
    Object.assign(this, { id, signal, kind: null, counts: "" });
    $("left-out").hidden = true;
    const first = await get(`/ingestions/${encodeURIComponent(id)}`, { signal });
    title(text("ingestionTitle", askedFor(first)));
    this.#tell(first);
    if (!over(first.state)) this.#follow();
  }

  close() {
    this.pages.close();
  }

  #follow() {
    const onAway = (problem) => $("ingestion").classList.toggle("away", problem !== null);
    watchIngestion(this.id, (seen) => this.#tell(seen), { signal: this.signal, onAway }).catch(({ message }) => toast(message));
  }

  #tell(ingestion) {
    const { source, state, counts, warnings, job, created_at: at } = ingestion;
    $("ingestion-title").textContent = askedFor(ingestion);
    $("ingestion-about").replaceChildren(text("addTabs")[source] ?? text("sources")[source], " · ", moment(new Date(at)), " ", stateBadge(state));
    const ended = over(state);
    $("ingestion-stop").hidden = ended;
    $("ingestion-recordings").hidden = !(counts.accepted + counts.known);
    $("ingestion-recordings").href = `${pathTo("library")}?ingestion_id=${this.id}`;
    $("ingestion-standing").replaceChildren(...(ended ? [make("p", "", job.error ? reasonOf(job.error) : text("ingestionOver", counts.prepared))] : standing(ingestion)));
    const shown = COUNTED.filter((name) => counts[name]);
    $("ingestion-counts").replaceChildren(...shown.map((name) => this.#count(name, counts[name])));
    $("ingestion-warnings").hidden = !warnings.length;
    $("ingestion-warnings").replaceChildren(make("h2", "", text("warningsTitle")), make("ul", "", ...warnings.map((words) => make("li", "", words))));
    this.#leftOut(counts);
  }

  #count(name, value) {
    const box = make("div", "", make("dt", "", text("counts")[name]), make("dd", "", number(value)));
    box.dataset.count = name;
    return box;
  }

  /** Asked for anew only where the numbers have changed. */
  #leftOut(counts) {
    const kinds = LEFT_OUT.filter((name) => counts[name]);
    $("left-out").hidden = !kinds.length;
    const now = kinds.map((name) => `${name} ${counts[name]}`).join();
    if (now === this.counts) return;
    this.counts = now;
    if (!kinds.includes(this.kind)) this.kind = kinds[0];
    $("left-out-kinds").replaceChildren(
      ...kinds.map((name) => {
        const choice = button("tab", `${text("counts")[name]} ${number(counts[name])}`, () => {
          [this.kind, this.counts] = [name, ""];
          this.#leftOut(counts);
          $("left-out-kinds").querySelector("[aria-pressed=true]").focus();
        });
        choice.setAttribute("aria-pressed", String(name === this.kind));
        return choice;
      }),
    );
    if (this.kind) this.pages.show(`/ingestions/${this.id}/items`, new URLSearchParams({ outcome: this.kind }), this.signal).catch((problem) => this.signal.aborted || toast(problem.message));
  }

  async #stop() {
    try {
      this.#tell(await get(`/ingestions/${this.id}`, { method: "DELETE" }));
    } catch (problem) {
      toast(`${problem.message}. ${problem.hint}`);
    }
  }
}
