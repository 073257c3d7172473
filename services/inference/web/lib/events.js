/* Server-sent events, with the key that the browser's own EventSource cannot send. */

import { ask, Problem } from "./api.js";

const FIRST_WAIT = 1000; // milliseconds until the first new try; each that fails doubles it
const LONGEST_WAIT = 30_000;

/** The events in a stream of text (WHATWG HTML, 9.2.6): {type, data, id} as each is complete. */
async function* eventsIn(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let [rest, event] = ["", { type: "message", data: [], id: undefined }];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
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

/**
 * Follows the events of a path until `signal` is aborted or `onEvent({type, data})` returns true; data is parsed JSON.
 * A connection that breaks is made again from the last event on; `onAway(problem)` hears of it, and null once it is back.
 * Rejects with a Problem that trying again does not help, such as a key that is refused.
 */
export async function follow(path, onEvent, { signal, onAway = () => {} }) {
  let [last, wait] = [undefined, FIRST_WAIT];
  while (!signal.aborted) {
    try {
      const headers = { Accept: "text/event-stream", ...(last === undefined ? {} : { "Last-Event-ID": last }) };
      const answer = await ask(path, { headers, signal });
      onAway(null);
      for await (const { type, data, id } of eventsIn(answer.body)) {
        [last, wait] = [id ?? last, FIRST_WAIT];
        if (onEvent({ type, data: JSON.parse(data) })) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && !error.again) throw error;
      onAway(error);
    }
    await pause(wait, signal);
    wait = Math.min(2 * wait, LONGEST_WAIT);
  }
}
