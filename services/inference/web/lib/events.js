/* Server-sent events, with the key that the browser's own EventSource cannot send. */

import { ask, Problem } from "./api.js";

const FIRST_WAIT = 1000; // milliseconds until the first new try; each that fails doubles it
const LONGEST_WAIT = 30_000;
const SILENCE = 45_000; // the server says something every 15 s, if only that it is there

/** The events in a stream of text (WHATWG HTML, 9.2.6): {type, data, id} as each is complete. `onText()` hears of each piece. */
async function* eventsIn(stream, onText) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let [rest, event] = ["", { type: "message", data: [], id: undefined }];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    onText();
    const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (!line) {
        if (event.data.length) yield { ...event, data: event.data.join("\n") };
        event = { type: "message", data: [], id: event.id };
        continue;
      }
      const [, field, content] = /^([^:]*):? ?(.*)$/s.exec(line);
      if (field === "data") event.data.push(content);
      else if (field === "event") event.type = content;
      else if (field === "id") event.id = content;
    }
  }
}

/** Resolves after that time, or as soon as `signal` is aborted. */
export const pause = (milliseconds, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });

/** A controller of its own that is aborted with `signal`, too. */
export function within(signal) {
  const controller = new AbortController();
  signal.addEventListener("abort", () => controller.abort(), { signal: controller.signal });
  if (signal.aborted) controller.abort();
  return controller;
}

/** Resolves once somebody sees the page, or `signal` is aborted. */
const seen = (signal) =>
  new Promise((resolve) => {
    if (!document.hidden || signal.aborted) return resolve();
    document.addEventListener("visibilitychange", resolve, { once: true, signal });
    signal.addEventListener("abort", resolve, { once: true });
  });

/** Does something each so many milliseconds, until `signal` is aborted. */
export function every(milliseconds, act, signal) {
  const timer = setInterval(act, milliseconds);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

/**
 * Tries `attempt(calm)` again, ever more seldom, until it resolves to true or `signal` is aborted; `calm()` makes the waits
 * short again. `onAway(problem)` hears of each failure. Rejects with a Problem that trying again does not help.
 */
export async function persist(attempt, { signal, onAway = () => {} }) {
  let wait = FIRST_WAIT;
  while (!signal.aborted) {
    try {
      if (await attempt(() => (wait = FIRST_WAIT))) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && !error.again) throw error;
      onAway(error);
    }
    await pause(wait, signal);
    wait = Math.min(2 * wait, LONGEST_WAIT);
  }
}

/** One connection: it ends with `signal`, after a long silence, and, where it `hides`, when nobody sees the page any more. */
class Connection {
  constructor(signal, hides) {
    this.controller = within(signal);
    Object.assign(this, { signal: this.controller.signal, hidden: false });
    if (hides) document.addEventListener("visibilitychange", () => this.#hide(), { signal: this.signal });
    this.heard();
  }

  #hide() {
    this.hidden = document.hidden;
    if (this.hidden) this.close();
  }

  heard() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.close(), SILENCE);
  }

  close() {
    clearTimeout(this.timer);
    this.controller.abort();
  }
}

/**
 * Follows the events of a path until `signal` is aborted or `onEvent({type, data})` returns true; data is parsed JSON.
 * A connection that breaks is made again from the last event on; `onAway(problem)` hears of it, and null once it is back.
 * While nobody sees the page there is none, unless there is something to do then, too (`unseen`).
 * Rejects with a Problem that trying again does not help, such as a key that is refused.
 */
export async function follow(path, onEvent, { signal, onAway = () => {}, unseen = false }) {
  let last;
  const attempt = async (calm) => {
    if (!unseen) await seen(signal);
    const connection = new Connection(signal, !unseen);
    try {
      const headers = { Accept: "text/event-stream", ...(last === undefined ? {} : { "Last-Event-ID": last }) };
      const answer = await ask(path, { headers, signal: connection.signal });
      onAway(null);
      for await (const { type, data, id } of eventsIn(answer.body, () => connection.heard())) {
        last = id ?? last;
        calm();
        if (onEvent({ type, data: JSON.parse(data) })) return true;
      }
    } catch (error) {
      if (!connection.hidden) throw error;
      calm();
    } finally {
      connection.close();
    }
    return false;
  };
  await persist(attempt, { signal, onAway });
}
