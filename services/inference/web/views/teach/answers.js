/* What can be answered to a question, and done with it otherwise: as buttons, and by the keys that do the same. */

import { button, make } from "../../lib/dom.js";
import { percent } from "../../lib/format.js";
import { nameOf } from "../../lib/species.js";
import { text } from "./words.js";

const OTHERS = 3; // of those that the model also thought of
const PLAIN = ["yes", "noise", "unknown"];
const STEPS = ["play", "draw", "skip", "back"];
const $ = (id) => document.getElementById(id);

const pressesIt = (target) => target.closest("button, a");

/** A button with the key that does the same. */
function answer(name, words, key, act) {
  const element = button("button answer", make("span", "", words), act);
  element.append(make("kbd", "", key === " " ? text("space") : key.toUpperCase()));
  element.setAttribute("aria-keyshortcuts", key === " " ? "Space" : key.toUpperCase());
  element.dataset.answer = name;
  return element;
}

export class Answers {
  /** `acts` does them by their names: yes, noise, unknown, correct, play, draw, skip, back; and other(i), which takes a guess. */
  constructor(acts) {
    const keys = text("keys");
    const named = (name) => answer(name, text(name), keys[name], acts[name]);
    Object.assign(this, { acts, others: [], correct: named("correct") });
    this.byKey = new Map(Object.entries(keys).map(([name, key]) => [key, acts[name]]));
    const plain = PLAIN.map(named);
    plain[0].classList.add("primary");
    $("plain-answers").append(...plain);
    $("steps").append(...STEPS.map(named));
  }

  /** Offers what else the model thought of, by numbers. */
  offer(others) {
    this.others = others.slice(0, OTHERS).map((_, i) => () => this.acts.other(i));
    const buttons = this.others.map((act, i) => answer("other", `${nameOf(others[i])} ${percent(others[i].confidence)}`, String(i + 1), act));
    $("species-answers").replaceChildren(this.correct, ...buttons);
    $("species-answers").scrollLeft = 0;
  }

  /** What a key does; undefined where it does nothing, or presses what has the focus. */
  actOf({ key: pressed, target }) {
    const key = pressed.toLowerCase();
    if (["enter", " "].includes(key) && pressesIt(target)) return undefined;
    if (/^[1-9]$/.test(key)) return this.others[key - 1];
    return key === "enter" ? this.acts.yes : this.byKey.get(key);
  }
}
