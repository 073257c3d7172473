/* Jobs: what runs, how far, what failed and why. The newest first; what a job started is folded into it. */

import { ask, get } from "../../lib/api.js";
import { confirmed } from "../../lib/dialog.js";
import { button, make } from "../../lib/dom.js";
import { number } from "../../lib/format.js";
import { kindName, over } from "../../lib/jobs.js";
import { toast } from "../../lib/notices.js";
import { poll } from "../../lib/poll.js";
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
    await this.#look();
    const { signal } = this.work;
    const onAway = (problem) => {
      $("away").hidden = !problem;
      $("away").textContent = problem ? text("away") : "";
    };
    poll(() => this.#look(), { signal, onAway }).catch((problem) => signal.aborted || complain(problem));
  }

  close() {
    this.work.abort();
  }

  /** Asks for everything once; false where nothing moves. */
  async #look() {
    const { signal } = this.work;
    const [state, kind] = [this.query.get("state"), this.query.get("kind")];
    const asked = new URLSearchParams({ limit: this.limit, ...(state ? { state } : {}), ...(kind ? { kind } : {}), ...(state || kind ? {} : { top_level: true }) });
    const [{ items, next }, counts] = await Promise.all([get(`/jobs?${asked}`, { signal }), get("/jobs/counts", { signal })]);
    if (signal.aborted) return true;
    this.#summarise(counts, { state, kind });
    showRows($("jobs"), this.rows, items, { act: (job, action) => this.#act(job, action), below: (job) => this.#below(job) });
    $("jobs-more").hidden = !next || this.limit === MOST;
    $("jobs-none").hidden = items.length > 0;
    const now = JSON.stringify([items, counts]);
    const moved = now !== this.before;
    this.before = now;
    if (moved) for (const { job, below } of this.rows.values()) if (below && (below.element.open || !over(job.state))) below.refresh({ closed: true });
    return moved ? null : false;
  }

  #below(job) {
    if (job.parent_id || ALONE.includes(job.kind)) return null;
    return new Below(job, { act: (child, action) => this.#act(child, action), signal: this.work.signal, onProblem: complain });
  }

  #summarise(counts, { state: chosen, kind }) {
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
