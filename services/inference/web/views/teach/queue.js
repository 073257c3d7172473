/* Whom people are asked about, one after another. The sound of the next ones is there before it is their turn. */

import { cut } from "../../lib/analyses.js";
import { ready } from "../../sound/stage.js";
import { candidates } from "./server.js";

const CONTEXT = 3; // seconds of the recording on both sides
const FEW = 5; // candidates left, at which more are asked for
const AHEAD = 2; // whose sound is fetched before it is their turn

/** A candidate with the seconds of its recording that are shown, and what went wrong with it before. */
export class Question {
  constructor(candidate) {
    const { start, end, recording_seconds: seconds } = candidate;
    Object.assign(this, { candidate, problem: null, drawn: [], making: null });
    this.from = Math.floor(Math.max(0, start - CONTEXT)); // whole, as the marks of the time axis are
    this.to = Math.min(seconds, end + CONTEXT);
  }

  /** A stretch of the recording by the seconds of what is shown. */
  shown({ start, end }) {
    return { start: start - this.from, end: end - this.from };
  }

  /** What `Stage.put` takes, null where the browser cannot open it. Rejects with a Problem; the next call tries again. */
  ready(signal) {
    this.making ??= this.#make(signal).catch((problem) => {
      this.making = null;
      throw problem;
    });
    return this.making;
  }

  async #make(signal) {
    const { analysis, position } = this.candidate;
    return ready(await cut(analysis, position, this.from, this.to, signal), signal);
  }
}

export class Queue {
  /** Of those that `filter` {analysis, species} narrows; all work ends with `signal`. */
  constructor(filter, signal) {
    Object.assign(this, { filter, signal, waiting: [], seen: new Set(), cursor: null, ended: false, asking: null });
  }

  /** The next question, null where there is none left. Rejects with a Problem. */
  async next() {
    if (!this.waiting.length) await this.#more();
    const question = this.waiting.shift() ?? null;
    if (this.waiting.length < FEW) this.#more().then(() => this.#prepare(), () => {}); // it is asked again when it is needed
    this.#prepare();
    return question;
  }

  /** A question that is to be asked next; once, though the server may list it again meanwhile. */
  putBack(question) {
    const { id } = question.candidate;
    this.seen.add(id);
    this.waiting = [question, ...this.waiting.filter(({ candidate }) => candidate.id !== id)];
  }

  #prepare() {
    for (const question of this.waiting.slice(0, AHEAD)) question.ready(this.signal).catch(() => {}); // said when it is its turn
  }

  /** At most one page at once. */
  #more() {
    if (this.ended) return Promise.resolve();
    this.asking ??= this.#page().finally(() => (this.asking = null));
    return this.asking;
  }

  async #page() {
    const { items, next } = await candidates({ ...this.filter, cursor: this.cursor }, this.signal);
    Object.assign(this, { cursor: next, ended: !next });
    const fresh = items.filter(({ id }) => !this.seen.has(id));
    for (const candidate of fresh) {
      this.seen.add(candidate.id);
      this.waiting.push(new Question(candidate));
    }
    if (!fresh.length && next) await this.#page();
  }
}
