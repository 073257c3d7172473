/* Lists that the server gives page by page: the next one comes when the end of the list is in sight, or by its button. */

import { get } from "./api.js";

export class Pages {
  /** Rows for `list`, each made by `row(item)`; `more` is the button under it. `onProblem` hears why a later page does not come. */
  constructor({ list, more, row, onProblem }) {
    Object.assign(this, { list, more, row, onProblem });
    more.addEventListener("click", () => this.#following(true));
    this.watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.#following());
  }

  /** The first page of a path with a query; gives how many rows there are in it. Rejects with a Problem. */
  async show(path, query, signal) {
    this.watcher.disconnect();
    Object.assign(this, { path, query, signal, next: null });
    const { items, next } = await get(`${path}?${query}`, { signal });
    this.list.replaceChildren(...items.map(this.row));
    this.#upTo(next);
    return items.length;
  }

  close() {
    this.watcher.disconnect();
  }

  async #following(focused = false) {
    const { next, signal } = this;
    if (!next || this.more.disabled) return;
    this.more.disabled = true;
    try {
      const page = await get(`${this.path}?${new URLSearchParams([...this.query, ["cursor", next]])}`, { signal });
      const rows = page.items.map(this.row);
      this.list.append(...rows);
      this.#upTo(page.next);
      if (focused) rows[0]?.querySelector("a, button")?.focus();
    } catch (problem) {
      if (!signal.aborted) this.onProblem(problem);
    } finally {
      this.more.disabled = false;
    }
  }

  /** Watched anew, since an observer tells only of changes: the button may still be in sight. */
  #upTo(next) {
    this.next = next;
    this.more.hidden = !next;
    this.watcher.disconnect();
    if (next) this.watcher.observe(this.more);
  }
}
