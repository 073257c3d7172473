/* Whose recordings those are that come into the library by a review. Kept in this browser, and sent with each of them. */

import { remember, remembered } from "../../lib/storage.js";

const KEPT = "whose-recordings";
const FIELDS = ["recordist", "licence"];

const before = () => {
  try {
    return JSON.parse(remembered(KEPT)) ?? null;
  } catch {
    return null; // not written by this version
  }
};

export class Whose {
  /** `onDone()` when a person has entered it, or does not want to. */
  constructor(root, { onDone }) {
    Object.assign(this, { root, form: root.querySelector("form") });
    for (const [name, value] of Object.entries(before() ?? {})) if (FIELDS.includes(name)) this.form.elements[name].value = value;
    this.form.addEventListener("change", () => this.#keep());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#keep();
      root.open = false;
      onDone();
    });
  }

  /** Asked openly once, of the first recording that the library does not have. */
  ask({ recording_id: known }) {
    this.root.hidden = known !== null;
    if (known === null && !before()) this.root.open = true;
  }

  /** What is sent with a review of that candidate. From then on it is not asked openly any more. */
  of({ recording_id: known }) {
    if (known !== null) return {};
    this.#keep();
    this.root.open = false;
    return Object.fromEntries(Object.entries(this.#entered()).filter(([, value]) => value));
  }

  #entered() {
    return Object.fromEntries(FIELDS.map((name) => [name, this.form.elements[name].value.trim()]));
  }

  #keep() {
    remember(KEPT, JSON.stringify(this.#entered()));
  }
}
