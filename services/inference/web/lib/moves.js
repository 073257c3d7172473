/* What moves on the server, for lists that are shown live: one stream for all parts of the page that watch the same. */

import { follow, persist } from "./events.js";

const streams = new Map(); // by path

/** The stream of a path, shared by whoever watches it. */
class Stream {
  constructor(path) {
    Object.assign(this, { path, watchers: new Set(), controller: new AbortController(), begun: false });
    const { signal } = this.controller;
    const onAway = (problem) => this.#tell("onAway", problem);
    follow(path, (event) => this.#hear(event), { signal, onAway }).catch((problem) => this.#tell("onProblem", problem));
  }

  add(watcher) {
    this.watchers.add(watcher);
    if (this.begun) watcher.onReload();
  }

  remove(watcher) {
    this.watchers.delete(watcher);
    if (this.watchers.size) return;
    this.controller.abort();
    streams.delete(this.path);
  }

  #hear({ type, data }) {
    if (type === "reload") {
      this.begun = true;
      this.#tell("onReload");
    } else this.#tell("onMoved", type, data);
    return false;
  }

  #tell(what, ...said) {
    for (const watcher of this.watchers) watcher[what](...said);
  }
}

/**
 * Watches what moves under a path until `signal` is aborted. `reload()` asks for all that is shown, after which
 * `onMoved(type, data)` hears of each change; it is called at first, where too much has moved or `onMoved` gives false, and
 * again where it fails.
 * `onAway(problem)` hears of a server that does not answer, and null once it is back. Rejects with a Problem that trying
 * again does not help.
 */
export function watch(path, { reload, onMoved = () => {}, onAway = () => {}, signal }) {
  return new Promise((resolve, reject) => {
    const ending = new AbortController();
    let reloaded = Promise.resolve();
    const end = (settle) => {
      ending.abort();
      stream.remove(watcher);
      settle();
    };
    const attempt = async () => {
      await reload();
      onAway(null);
      return true;
    };
    const onProblem = (problem) => end(() => reject(problem));
    const watcher = {
      onReload: () => (reloaded = persist(attempt, { signal: ending.signal, onAway }).catch(onProblem)),
      onMoved: (type, data) =>
        reloaded.then(() => {
          if (!ending.signal.aborted && onMoved(type, data) === false) watcher.onReload();
        }),
      onAway,
      onProblem,
    };
    if (!streams.has(path)) streams.set(path, new Stream(path));
    const stream = streams.get(path);
    signal.addEventListener("abort", () => end(resolve), { once: true });
    if (signal.aborted) return end(resolve);
    stream.add(watcher);
  });
}
