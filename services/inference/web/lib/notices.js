/* What the page says in passing: for everybody to see, or for screen readers alone. */

import { button, make } from "./dom.js";
import { shared } from "./strings.js";

const SHOWN = 6000; // milliseconds: long enough to read two lines twice
const $ = (id) => document.getElementById(id);

/** Tells a screen reader, when it has finished what it is saying. */
export function say(words) {
  if ($("status").textContent !== words) $("status").textContent = words;
}

/** A line at the edge of the page that goes by itself; it stays while the pointer or the focus is on it. */
export function toast(words) {
  const note = make("div", "toast", make("p", "", words));
  note.append(button("link", shared("close"), () => note.remove()));
  let timer;
  const leave = () => {
    clearTimeout(timer);
    timer = setTimeout(() => note.remove(), SHOWN);
  };
  for (const held of ["pointerenter", "focusin"]) note.addEventListener(held, () => clearTimeout(timer));
  for (const free of ["pointerleave", "focusout"]) note.addEventListener(free, leave);
  $("toasts").append(note);
  leave();
}
