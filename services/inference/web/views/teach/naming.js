/* Which species it is: a field that knows names, for a correction and for a stretch that was drawn. */

import { make } from "../../lib/dom.js";
import { suggestSpecies } from "../../lib/suggest.js";
import { text } from "./words.js";

export class Naming {
  /** `known()` gives species to suggest. `onNamed(species)` with what was entered, null for no bird; `onLeft()` when it was given up. */
  constructor(form, { known, onNamed, onLeft }) {
    Object.assign(this, { form, field: form.elements.species, problem: form.querySelector(".line-problem"), noise: form.querySelector("[value=noise]") });
    suggestSpecies(this.field, form.querySelector("datalist"), known);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = this.field.value.trim();
      if (name) onNamed(name);
    });
    this.noise.addEventListener("click", () => onNamed(null));
    form.querySelector("[value=cancel]").addEventListener("click", onLeft);
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      onLeft();
    });
  }

  get open() {
    return !this.form.hidden;
  }

  /** Opens it under a heading; `suggested` stands in the field, to be taken or typed over; `noise` offers that there is no bird. */
  ask(heading, { suggested = "", noise = false } = {}) {
    this.form.querySelector("h3").textContent = heading;
    this.field.value = suggested;
    this.noise.hidden = !noise;
    this.problem.hidden = true;
    this.form.hidden = false;
    this.field.focus();
    this.field.select();
  }

  /** Says why the server did not take it. */
  refuse({ message, detail, hint }) {
    this.problem.replaceChildren(make("b", "", message), make("p", "", [detail, hint].filter(Boolean).join(" ") || text("tryAgain")));
    this.problem.hidden = false;
    this.field.focus();
  }

  close() {
    this.form.hidden = true;
  }
}
