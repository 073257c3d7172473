/* What a job started, folded: how many stand how, and those of one state, the worst first. */

import { get } from "../../lib/api.js";
import { button, make } from "../../lib/dom.js";
import { number } from "../../lib/format.js";
import { shared } from "../../lib/strings.js";
import { showRows } from "./row.js";
import { text } from "./words.js";

const WORST_FIRST = ["dead", "failed", "running", "queued", "cancelled", "succeeded"];
const AT_ONCE = 10;
const MOST = 500; // that the server gives at once

export class Below {
  /** `act` as for rows; `onProblem` hears why nothing can be shown. */
  constructor(parent, { act, signal, onProblem }) {
    Object.assign(this, { parent, act, signal, onProblem, rows: new Map(), state: null, limit: AT_ONCE });
    this.summary = make("summary", "", text("showAll"));
    this.states = make("p", "tabs");
    this.list = make("ol", "jobs");
    this.more = button("link", text("moreBelow"), () => {
      this.limit = Math.min(MOST, 5 * this.limit);
      this.refresh();
    });
    this.element = make("details", "below", this.summary, this.states, this.list, this.more);
    this.element.addEventListener("toggle", () => this.refresh());
    this.refresh({ closed: true });
  }

  /** What stands in its summary, and in its list while it is open. */
  async refresh({ closed = this.element.open } = {}) {
    if (!closed) return;
    try {
      const counts = await get(`/jobs/counts?parent_id=${this.parent.id}`, { signal: this.signal });
      const byState = new Map(WORST_FIRST.map((state) => [state, counts.filter((one) => one.state === state).reduce((sum, one) => sum + one.jobs, 0)]).filter(([, jobs]) => jobs));
      this.element.hidden = !byState.size;
      this.summary.textContent = text("below", [...byState].map(([state, jobs]) => `${number(jobs)} ${shared("jobStates")[state]}`).join(", "));
      if (this.element.open) await this.#list(byState);
    } catch (problem) {
      if (!this.signal.aborted) this.onProblem(problem);
    }
  }

  async #list(byState) {
    if (!byState.has(this.state)) this.state = byState.keys().next().value;
    this.states.replaceChildren(
      ...[...byState].map(([state, jobs]) => {
        const choice = button("tab", `${shared("jobStates")[state]} ${number(jobs)}`, async () => {
          Object.assign(this, { state, limit: AT_ONCE });
          await this.refresh();
          this.states.querySelector("[aria-pressed=true]")?.focus();
        });
        choice.setAttribute("aria-pressed", String(state === this.state));
        return choice;
      }),
    );
    const query = new URLSearchParams({ parent_id: this.parent.id, state: this.state, limit: this.limit });
    const { items, next } = await get(`/jobs?${query}`, { signal: this.signal });
    showRows(this.list, this.rows, items, { act: this.act });
    this.more.hidden = !next || this.limit === MOST;
  }
}
