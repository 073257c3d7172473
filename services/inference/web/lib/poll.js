/* Asking again and again, politely: often while something moves, seldom while nothing does, never for a page nobody sees. */

import { pause } from "./events.js";

const SOON = 1000; // milliseconds
const LATE = 10_000;

const seen = (signal) =>
  new Promise((resolve) => {
    if (!document.hidden || signal.aborted) return resolve();
    document.addEventListener("visibilitychange", resolve, { once: true });
    signal.addEventListener("abort", resolve, { once: true });
  });

/**
 * Calls `look()` until it returns true or `signal` is aborted; it returns false where nothing has moved, and then is asked less
 * often. A server that does not answer is tried again: `onAway(problem)` hears of it, and null once it is back. Rejects with
 * a Problem that trying again does not help.
 */
export async function poll(look, { signal, onAway = () => {} }) {
  let wait = SOON;
  while (!signal.aborted) {
    try {
      const moved = await look();
      onAway(null);
      if (moved === true) return;
      wait = moved === false ? Math.min(LATE, wait * 1.5) : SOON;
    } catch (error) {
      if (signal.aborted) return;
      if (!error.again) throw error;
      onAway(error);
      wait = Math.min(LATE, wait * 2);
    }
    await pause(wait, signal);
    await seen(signal);
  }
}
