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
  /**
   * `first` is where it is asked once, in the way of the first answer; `later` <details>, where it can be changed.
   * `onDone()` when a person has entered it, or does not want to.
   */
  constructor({ first, later, onDone }) {
    Object.assign(this, { first, later, onDone, form: later.querySelector("form") });
    this.notNow = this.form.querySelector("[value=not-now]");
    for (const [name, value] of Object.entries(before() ?? {})) if (FIELDS.includes(name)) this.form.elements[name].value = value;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#settle();
      onDone();
    });
    this.notNow.addEventListener("click", () => this.#refuse());
    first.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.#refuse();
    });
  }

  /** Asked in the way of the answers: of the first recording that the library does not have, and never again. */
  ask({ recording_id: known }) {
    const asked = known === null && before() === null;
    (asked ? this.first : this.later).append(this.form);
    this.first.hidden = !asked;
    this.later.hidden = known !== null || asked;
  }

  /** Whether it is in the way. */
  get open() {
    return !this.first.hidden;
  }

  /** Leads the focus to it. */
  focus() {
    this.notNow.focus();
  }

  /** What is sent with a review of that candidate. */
  of({ recording_id: known }) {
    if (known !== null) return {};
    this.#settle(); // who draws a stretch with the mouse need not have looked at it
    return Object.fromEntries(Object.entries(this.#entered()).filter(([, value]) => value));
  }

  #refuse() {
    this.form.reset();
    this.#settle();
    this.onDone();
  }

  #settle() {
    remember(KEPT, JSON.stringify(this.#entered()));
    this.first.hidden = true;
    this.later.append(this.form);
    Object.assign(this.later, { hidden: false, open: false });
  }

  #entered() {
    return Object.fromEntries(FIELDS.map((name) => [name, this.form.elements[name].value.trim()]));
  }
}
