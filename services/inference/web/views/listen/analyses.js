/* The analyses on the server: what runs, how far, what failed; to open, to stop, to remove. */

import { get } from "../../lib/api.js";
import { button, inside, make } from "../../lib/dom.js";
import { every } from "../../lib/events.js";
import { duration, since } from "../../lib/format.js";
import { bar, howFar, merged, over, reasonOf, stateBadge } from "../../lib/jobs.js";
import { watch } from "../../lib/moves.js";
import { shared } from "../../lib/strings.js";
import { complain, titleOf, placeOf, removeFromServer, stop } from "./server.js";
import { text } from "./words.js";

const AT_ONCE = 25;
const MOST = 500; // that the server gives at once
const AGEING = 10_000; // milliseconds after which what is said of times is said anew
const $ = (id) => document.getElementById(id);

/** How far an analysis is, in words: by bytes while it runs, then what came of it. */
export function standing({ state, progress, counts, seconds, cancel_requested: ending }) {
  if (over(state)) return counts.recordings - counts.waiting > 0 ? text("heardSeconds", duration(seconds), counts.recordings - counts.waiting, counts.failed) : "";
  if (ending) return text("stopping");
  const several = counts.recordings > 1 ? text("severalDone", counts.recordings - counts.waiting, counts.recordings) : "";
  return [howFar(progress), several].filter(Boolean).join(" · ") || shared("jobStates").queued;
}

/** A line of the list. It changes in place, so that what has the focus keeps it. */
class Row {
  constructor(analysis, again) {
    this.name = inside("", "");
    this.state = make("span", "");
    this.standing = make("span", "analysis-standing");
    this.when = make("time", "hint");
    this.stop = button("button", text("stopHearing"), () => stop(this.analysis).then(again));
    this.remove = button("button", text("remove"), () => removeFromServer(this.analysis).then((gone) => gone && again()));
    this.reason = make("p", "reason");
    this.element = make("li", "analysis-row", this.name, this.state, this.standing, this.when, make("span", "analysis-actions", this.stop, this.remove), this.reason);
    this.update(analysis);
  }

  update(analysis) {
    this.when.textContent = since(new Date(analysis.created_at));
    const now = JSON.stringify(analysis);
    if (now === this.shown) return;
    Object.assign(this, { analysis, shown: now });
    const { id, state, error, progress, counts, cancel_requested: ending } = analysis;
    const [name, ended] = [titleOf(analysis), over(state)];
    this.name.textContent = name;
    this.name.href = counts.recordings === 1 && state === "succeeded" ? placeOf(id, 0) : placeOf(id);
    this.state.replaceChildren(stateBadge(state));
    this.standing.replaceChildren(...(ended ? [] : [bar(progress.fraction)]), make("span", "hint", standing(analysis)));
    this.reason.hidden = !error;
    this.reason.textContent = error ? reasonOf(error) : "";
    this.stop.hidden = ended || ending;
    this.remove.hidden = !ended;
    this.stop.setAttribute("aria-label", text("named", text("stopHearing"), name));
    this.remove.setAttribute("aria-label", text("named", text("remove"), name));
  }
}

export class Analyses {
  constructor() {
    Object.assign(this, { rows: new Map(), limit: AT_ONCE });
    $("analyses-more").addEventListener("click", () => {
      this.limit = Math.min(MOST, this.limit + AT_ONCE);
      this.#look().catch(complain);
    });
  }

  /** Shows them, and keeps them as they are on the server until `signal` is aborted. Rejects with a Problem. */
  async show(signal) {
    this.signal = signal;
    await this.#look();
    every(AGEING, () => this.#show(this.items), signal);
    watch("/analyses/events", {
      reload: () => this.#look(),
      onMoved: (_type, moved) => this.#moved(moved),
      onAway: (problem) => ($("analyses-away").hidden = !problem),
      signal,
    }).catch(complain);
  }

  async #look() {
    const { items, next } = await get(`/analyses?limit=${this.limit}`, { signal: this.signal });
    if (this.signal.aborted) return;
    this.more = Boolean(next);
    this.#show(items);
  }

  #moved(moved) {
    const items = merged(this.items, moved, { whole: !this.more });
    this.more ||= items.length > this.limit;
    this.#show(items.slice(0, this.limit));
  }

  #show(items) {
    this.items = items;
    const ids = new Set(items.map(({ id }) => id));
    for (const [id, row] of this.rows) if (!ids.has(id)) (row.element.remove(), this.rows.delete(id));
    items.forEach((analysis, i) => {
      if (this.rows.has(analysis.id)) this.rows.get(analysis.id).update(analysis);
      else this.rows.set(analysis.id, new Row(analysis, () => this.#look().catch(complain)));
      const { element } = this.rows.get(analysis.id);
      if ($("analyses-list").children[i] !== element) $("analyses-list").insertBefore(element, $("analyses-list").children[i] ?? null);
    });
    $("analyses-none").hidden = items.length > 0;
    $("analyses-more").hidden = !this.more || this.limit === MOST;
  }
}
