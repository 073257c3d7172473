/* Jobs as every view shows them: what they are called, how they stand, how far they are, and what went wrong. */

import { ownWords } from "./api.js";
import { inside, make } from "./dom.js";
import { duration, percent } from "./format.js";
import { pathTo } from "./router.js";
import { shared } from "./strings.js";

/** Whether it will change no more. */
export const over = (state) => state !== "queued" && state !== "running";

/** As the server lists them. */
const newestFirst = (a, b) => new Date(b.created_at) - new Date(a.created_at) || (a.id < b.id ? 1 : -1);

/**
 * A list of jobs or analyses, newest first, once some have moved. `fits(one)` says which belong to it; where it is not `whole`,
 * none that is older than its last does. Null where it lacks some that only the server knows.
 */
export function merged(items, moved, { fits = () => true, whole }) {
  const byId = new Map(items.map((one) => [one.id, one]));
  const shown = (one) => byId.has(one.id) || whole || !items.length || newestFirst(one, items.at(-1)) < 0;
  for (const one of moved) {
    if (!fits(one)) byId.delete(one.id);
    else if (shown(one)) byId.set(one.id, one);
  }
  if (!whole && byId.size < items.length) return null;
  return [...byId.values()].sort(newestFirst);
}

/** What a kind of job does, in words. */
export const kindName = (kind) => shared("jobKinds")[kind] ?? kind;

/** A state in a word, with its colour. */
export function stateBadge(state) {
  const badge = make("span", "state", shared("jobStates")[state] ?? state);
  badge.dataset.state = state;
  return badge;
}

/** Where a job's work is to be seen, as a link; null where it is nowhere on the page. */
export function subjectOf({ kind, about }) {
  if (!about) return null;
  if (kind === "preprocess.prepare") return inside(pathTo("library", "recordings", about), shared("toRecording"));
  if (kind === "ingest.run") return inside(pathTo("library", "ingestions", about), shared("toIngestion"));
  return null;
}

/** A bar for a share 0..1, or one that wanders where nobody knows how far it is. */
export function bar(fraction) {
  const element = make("progress", "");
  element.setAttribute("aria-label", shared("progress"));
  if (fraction !== null) Object.assign(element, { max: 1, value: fraction });
  return element;
}

/** "42% · about 3 min left", as far as that is known. */
export function howFar({ fraction, seconds_left: left }) {
  return [fraction === null ? "" : percent(fraction), left === null ? "" : shared("timeLeft", duration(Math.max(1, left)))].filter(Boolean).join(" · ");
}

/** What went wrong, in the page's language as far as it knows the code. */
export function reasonOf({ code, detail }) {
  const own = ownWords(code, detail);
  if (!own) return detail;
  return own.detail === detail ? `${own.title}: ${detail}` : `${own.title}. ${own.hint}`;
}
