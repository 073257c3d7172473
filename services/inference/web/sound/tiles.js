/* The sonagram of a long recording, drawn in pieces: those in view, as the server cuts them. */

import { draw, samplesOf } from "./decode.js";
import { pause } from "../lib/events.js";

const TILE = 60; // seconds of a piece: 13,800 columns, 3.5 MB of picture
const MOST_IN_VIEW = 5 * TILE; // seconds; of more, nothing that a bird sings could be told apart
const KEPT = 16; // pieces; those longest out of view make room
const STILL = 200; // milliseconds that the view stands still before anything is fetched for it

export class Tiles {
  /**
   * `cut(start, end, signal)` gives those seconds as a Blob. `onChange({pictures, standing})` hears of the pictures there are
   * (see Timeline.draw) and how it stands with those in view: "drawn" | "drawing" | "far" (too much is in view) | "failed".
   */
  constructor({ cut, seconds, onChange }) {
    Object.assign(this, { cut, seconds, onChange, kept: new Map(), work: new AbortController(), wanted: "" });
  }

  close() {
    this.work.abort();
    this.onChange = () => {};
  }

  /** These seconds are in view now. */
  async view(from, to) {
    const far = to - from > MOST_IN_VIEW;
    const numbers = far ? [] : this.#within(from, to);
    const wanted = far ? "far" : numbers.join();
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    this.work.abort();
    this.work = new AbortController();
    const { signal } = this.work;
    if (far) return this.#tell("far");
    this.#touch(numbers);
    const missing = numbers.filter((number) => !this.kept.has(number));
    if (!missing.length) return this.#tell("drawn");
    this.#tell("drawing");
    await pause(STILL, signal);
    for (const number of missing) {
      if (signal.aborted) return;
      try {
        await this.#draw(number, signal);
      } catch {
        if (!signal.aborted) this.#tell("failed");
        return;
      }
    }
    if (!signal.aborted) this.#tell("drawn");
  }

  #within(from, to) {
    const first = Math.floor(Math.max(0, from) / TILE);
    const end = Math.ceil(Math.min(to, this.seconds) / TILE);
    return Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
  }

  async #draw(number, signal) {
    const start = number * TILE;
    const end = Math.min(this.seconds, start + TILE);
    const picture = await draw(await samplesOf(await this.cut(start, end, signal)), signal);
    if (signal.aborted) return;
    if (!picture) throw new Error("the worker that draws has failed");
    this.kept.set(number, { start, end, picture });
    for (const old of [...this.kept.keys()].slice(0, -KEPT)) this.kept.delete(old);
    this.#tell("drawing");
  }

  /** Those in view are the last to make room. */
  #touch(numbers) {
    for (const number of numbers) {
      const one = this.kept.get(number);
      if (one && this.kept.delete(number)) this.kept.set(number, one);
    }
  }

  #tell(standing) {
    this.onChange({ pictures: standing === "far" ? [] : [...this.kept.values()], standing });
  }
}
