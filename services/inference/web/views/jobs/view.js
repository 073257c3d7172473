/* Jobs: what runs, how far, what failed and why. The newest first; what a job started is folded into it. */

import { ask, get } from "../../lib/api.js";
import { confirmed } from "../../lib/dialog.js";
import { button, make } from "../../lib/dom.js";
import { every } from "../../lib/events.js";
import { number } from "../../lib/format.js";
import { kindName, merged, over } from "../../lib/jobs.js";
import { watch } from "../../lib/moves.js";
import { toast } from "../../lib/notices.js";
import { go, title } from "../../lib/router.js";
import { shared } from "../../lib/strings.js";
import { Below } from "./below.js";
import { showRows } from "./row.js";
import { text } from "./words.js";

export { text };

const STATES = ["running", "queued", "failed", "dead", "succeeded", "cancelled"];
const ALONE = ["preprocess.prepare", "trainer.train", "inference.hear", "inference.remove", "ingest.verify_storage", "ingest.prune_storage"]; // they start no others
const AT_ONCE = 25;
const MOST = 500; // that the server gives at once
const AGEING = 10_000; // milliseconds after which what is said of times is said anew
const $ = (id) => document.getElementById(id);
const complain = (problem) => toast([problem.message, problem.hint].filter(Boolean).join(". "));

class Jobs {
  constructor() {
    Object.assign(this, { rows: new Map(), work: new AbortController(), limit: AT_ONCE });
    $("kind").addEventListener("change", ({ target }) => this.#narrow("kind", target.value));
    $("jobs-more").addEventListener("click", () => {
      this.limit = Math.min(MOST, this.limit + AT_ONCE);
      this.#look().catch(complain);
    });
    $("retry-dead").addEventListener("click", () => this.#retryDead());
  }

  async show({ query }) {
    this.work.abort();
    this.work = new AbortController();
    Object.assign(this, { query, limit: AT_ONCE });
    this.rows.clear();
    $("jobs").replaceChildren();
    title(text("title"));
    const { signal } = this.work;
    await this.#look();
    if (signal.aborted) return;
    every(AGEING, () => this.#age(), signal);
    const onAway = (problem) => {
      $("away").hidden = !problem;
      $("away").textContent = problem ? text("away") : "";
    };
    watch(`/jobs/events?${this.#asked({ counts: true })}`, {
      reload: () => this.#list(),
      onMoved: (type, data) => this.#moved(type, data),
      onAway,
      signal,
    }).catch(complain);
  }

  close() {
    this.work.abort();
  }

  /** What of them is shown, as the address says: those of a state, of a kind. */
  get #narrowed() {
    const [state, kind] = [this.query.get("state"), this.query.get("kind")];
    return { state, kind, fits: (job) => (!state || job.state === state) && (!kind || job.kind === kind) };
  }

  /** The same as the API is asked for it; what a job started is folded into it only where all are shown. */
  #asked(more) {
    const { state, kind } = this.#narrowed;
    return new URLSearchParams({ ...more, ...(kind ? { kind } : {}), ...(state || kind ? {} : { top_level: true }) });
  }

  /** Asks for all of it. */
  async #look() {
    const [counts] = await Promise.all([get("/jobs/counts", { signal: this.work.signal }), this.#list()]);
    this.#summarise(counts);
  }

  async #list() {
    const { signal } = this.work;
    const { state } = this.#narrowed;
    const { items, next } = await get(`/jobs?${this.#asked({ limit: this.limit, ...(state ? { state } : {}) })}`, { signal });
    if (signal.aborted) return;
    this.more = Boolean(next);
    this.#show(items);
    for (const { job, below } of this.rows.values()) if (below?.element.open || !over(job.state)) below?.refresh({ closed: true });
  }

  /** False where the list has to be asked for anew. */
  #moved(type, data) {
    if (type === "counts") return this.#summarise(data);
    const items = merged(this.items, data.jobs, { fits: this.#narrowed.fits, whole: !this.more });
    if (!items) return false;
    this.more ||= items.length > this.limit;
    this.#show(items.slice(0, this.limit));
    for (const id of data.below) this.rows.get(id)?.below?.refresh({ closed: true });
    return true;
  }

  #show(items) {
    this.items = items;
    showRows($("jobs"), this.rows, items, { act: (job, action) => this.#act(job, action), below: (job) => this.#below(job) });
    $("jobs-more").hidden = !this.more || this.limit === MOST;
    $("jobs-none").hidden = items.length > 0;
  }

  #age() {
    for (const row of this.rows.values()) row.update(row.job);
  }

  #below(job) {
    if (job.parent_id || ALONE.includes(job.kind)) return null;
    return new Below(job, { act: (child, action) => this.#act(child, action), signal: this.work.signal, onProblem: complain });
  }

  #summarise(counts) {
    const { state: chosen, kind } = this.#narrowed;
    const sum = (wanted) => counts.filter((one) => wanted(one)).reduce((all, { jobs }) => all + jobs, 0);
    const inState = (state) => sum((one) => one.state === state);
    const words = text("summary", inState("running"), inState("queued"));
    if ($("jobs-summary").textContent !== words) $("jobs-summary").textContent = words;
    this.dead = inState("dead");
    $("retry-dead").hidden = !this.dead;
    $("retry-dead").textContent = text("retryDead", this.dead);
    const shown = STATES.map((state) => [state, sum((one) => one.state === state && (!kind || one.kind === kind))]).filter(([state, jobs]) => jobs || state === chosen);
    this.#choices([[null, text("all")], ...shown.map(([state, jobs]) => [state, `${shared("jobStates")[state]} ${number(jobs)}`])], chosen);
    const kinds = [...new Set([...counts.map((one) => one.kind), ...(kind ? [kind] : [])])];
    if (kinds.join() === this.kinds && $("kind").value === (kind ?? "")) return;
    this.kinds = kinds.join();
    $("kind").replaceChildren(...["", ...kinds].map((one) => Object.assign(make("option", "", one ? kindName(one) : text("anyKind")), { value: one })));
    $("kind").value = kind ?? "";
  }

  /** The states as buttons, which change in place while their numbers do. */
  #choices(choices, chosen) {
    const now = choices.map(([state]) => state).join();
    if (now !== this.choices) {
      this.choices = now;
      $("states").replaceChildren(...choices.map(([state]) => button("tab", "", () => this.#narrow("state", state))));
    }
    choices.forEach(([state, words], i) => {
      const choice = $("states").children[i];
      if (choice.textContent !== words) choice.textContent = words;
      choice.setAttribute("aria-pressed", String(state === chosen));
    });
  }

  #narrow(name, value) {
    const query = new URLSearchParams(location.search);
    if (value) query.set(name, value);
    else query.delete(name);
    go(`${location.pathname}${query.size ? `?${query}` : ""}`);
  }

  async #act(job, action) {
    const cancels = action === "cancel";
    if (cancels && !(await confirmed({ title: text("cancelTitle"), detail: text("cancelDetail"), yes: text("cancelYes") }))) return;
    try {
      await ask(`/jobs/${job.id}${cancels ? "" : "/retry"}`, { method: cancels ? "DELETE" : "POST" });
      await this.#look();
      for (const { below } of this.rows.values()) if (below?.parent.id === job.parent_id) await below.refresh();
    } catch (problem) {
      complain(problem);
    }
  }

  async #retryDead() {
    $("retry-dead").disabled = true;
    try {
      const { queued } = await get("/jobs/retry", { json: {} });
      toast(text("retried", queued));
      await this.#look();
    } catch (problem) {
      complain(problem);
    } finally {
      $("retry-dead").disabled = false;
    }
  }
}

export async function open(_root, route) {
  const view = new Jobs();
  await view.show(route);
  return view;
}
