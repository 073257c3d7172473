/* What the dataset would hold, asked anew with every change of the form. */

import { get, Problem } from "../../lib/api.js";
import { make } from "../../lib/dom.js";
import { holds } from "./holds.js";
import { text } from "./words.js";

const PAUSE = 300; // milliseconds without a change

export class Preview {
  /** `selection()` is what is asked for, null for too little; `onKnown(summary)` hears what there is. */
  constructor(root, { selection, onKnown }) {
    Object.assign(this, { root, selection, onKnown, controller: new AbortController(), timer: 0 });
  }

  soon() {
    this.root.setAttribute("aria-busy", "true");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    this.close();
    this.controller = new AbortController();
    const { signal } = this.controller;
    const json = this.selection();
    if (!json) return this.#say(make("p", "", text("chooseTwo")));
    try {
      const summary = await get("/datasets/preview", { json, signal });
      this.onKnown(summary);
      this.root.replaceChildren(...holds(summary));
      this.root.setAttribute("aria-busy", "false");
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      this.#say(make("p", "", error.detail), make("p", "fine", error.hint));
    }
  }

  /** Why there is nothing to show. */
  #say(...reasons) {
    this.root.replaceChildren(make("div", "notes", make("h3", "", text("previewNothing")), ...reasons));
    this.root.setAttribute("aria-busy", "false");
  }

  close() {
    clearTimeout(this.timer);
    this.controller.abort();
  }
}
