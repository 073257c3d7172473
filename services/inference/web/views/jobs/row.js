/* One job of the list. It changes in place, so that what has the focus or is unfolded stays so. */

import { button, make } from "../../lib/dom.js";
import { duration, since } from "../../lib/format.js";
import { bar, howFar, kindName, over, reasonOf, stateBadge, subjectOf } from "../../lib/jobs.js";
import { text } from "./words.js";

const RETRYABLE = ["failed", "dead", "cancelled"];

/** When it began or ended, and how long it took. */
function when({ state, created_at: created, started_at: started, finished_at: finished }) {
  const [at, from, to] = [created, started, finished].map((moment) => moment && new Date(moment));
  if (state === "queued") return text("queued", since(at));
  if (state === "running") return text("began", since(from));
  return from ? text("took", duration((to - from) / 1000), since(to)) : text("ended", since(to));
}

export class JobRow {
  /** `act(job, "retry" | "cancel")` when a person wants it; `below(job)` gives the element of what it started, or null. */
  constructor(job, { act, below = () => null }) {
    this.retry = button("button", text("retry"), () => act(this.job, "retry"));
    this.cancel = button("button", text("cancel"), () => act(this.job, "cancel"));
    this.title = make("span", "job-title");
    this.standing = make("span", "job-standing");
    this.progress = make("span", "job-progress");
    this.when = make("span", "job-when");
    this.reason = make("p", "reason");
    this.below = below(job);
    this.element = make("li", "job", this.title, this.standing, this.progress, this.when, make("span", "job-actions", this.retry, this.cancel), this.reason, this.below?.element ?? null);
    this.update(job);
  }

  update(job) {
    this.when.textContent = when(job);
    const now = JSON.stringify(job);
    if (now === this.shown) return;
    Object.assign(this, { job, shown: now });
    const { kind, state, progress, error, attempts, max_attempts: most, cancel_requested: ending } = job;
    const subject = subjectOf(job);
    this.element.dataset.state = state;
    if (!this.title.childNodes.length) this.title.append(make("b", "", kindName(kind)), ...(subject ? [" ", subject] : []));
    this.standing.replaceChildren(stateBadge(state));
    const moving = state === "running" || (state === "queued" && progress.done > 0);
    this.progress.hidden = over(state);
    this.progress.replaceChildren(
      ...(moving ? [bar(progress.fraction)] : []),
      make("span", "hint", [ending && !over(state) ? text("cancelling") : howFar(progress), progress.message, attempts > 1 ? text("attempt", attempts, most) : ""].filter(Boolean).join(" · ")),
    );
    this.reason.hidden = !error;
    this.reason.textContent = error ? reasonOf(error) : "";
    this.#offer(this.retry, "retry", RETRYABLE.includes(state));
    this.#offer(this.cancel, "cancel", !over(state) && !ending);
  }

  #offer(one, action, possible) {
    one.hidden = !possible;
    one.setAttribute("aria-label", text("named", text(action), kindName(this.job.kind)));
  }
}

/** Rows for these jobs in a list, each kept for as long as its job is shown. */
export function showRows(list, rows, jobs, how) {
  const ids = new Set(jobs.map(({ id }) => id));
  for (const [id, row] of rows) if (!ids.has(id)) (row.element.remove(), rows.delete(id));
  jobs.forEach((job, i) => {
    if (rows.has(job.id)) rows.get(job.id).update(job);
    else rows.set(job.id, new JobRow(job, how));
    const { element } = rows.get(job.id);
    if (list.children[i] !== element) list.insertBefore(element, list.children[i] ?? null);
  });
}
