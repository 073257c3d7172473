/* The confusion matrix as a grid of buttons, of which one is in the order of Tab; arrow keys lead to the others. */

import { button, make } from "../../lib/dom.js";
import { text } from "./words.js";

const SHORT = 20; // letters of a name at the top

function short(name) {
  return name.length > SHORT ? `${name.slice(0, SHORT - 1)}…` : name;
}

export class Matrix {
  /** `onCell({is, said})` when a person chooses a field. */
  constructor(root, { onCell }) {
    Object.assign(this, { root, onCell });
    root.addEventListener("keydown", (event) => this.#rove(event));
    root.addEventListener("focusin", ({ target }) => target.matches("button") && this.#current(target));
  }

  /** `names` of the species in their order; see answers.js for the rest. */
  show(names, { counts, totals }) {
    const head = (name, scope) => {
      const cell = make("th", "", make("span", "", scope === "col" ? short(name) : name));
      Object.assign(cell, { scope, title: name });
      return cell;
    };
    const tested = totals.map((total, is) => ({ total, is })).filter(({ total }) => total);
    const rows = tested.map(({ is }) => make("tr", "", head(names[is], "row"), ...counts[is].map((cell, said) => this.#cell(names, { is, said }, cell.length, totals[is]))));
    const table = make("table", "matrix", make("thead", "", make("tr", "", make("td", ""), ...names.map((name) => head(name, "col")))), make("tbody", "", ...rows));
    table.setAttribute("aria-label", text("matrix"));
    this.root.replaceChildren(table);
    const first = this.root.querySelector("button.wrong") ?? this.root.querySelector("button");
    if (first) this.#current(first);
  }

  #cell(names, { is, said }, count, total) {
    if (!count) return make("td", is === said ? "right" : "");
    const words = is === said ? text("cellRight", count, names[is]) : text("cell", count, names[is], names[said]);
    const field = button(is === said ? "right" : "wrong", String(count), () => this.onCell({ is, said }));
    field.setAttribute("aria-label", words);
    field.title = words;
    field.tabIndex = -1;
    const shade = 0.25 + (0.75 * count) / total;
    field.style.setProperty("--share", shade);
    Object.assign(field.dataset, { row: is, column: said });
    field.classList.toggle("strong", shade > 0.6);
    return make("td", "", field);
  }

  #current(field) {
    for (const other of this.root.querySelectorAll("button")) other.tabIndex = -1;
    field.tabIndex = 0;
  }

  /** To the next field with recordings that way. */
  #rove(event) {
    const at = event.target.closest("button");
    const way = { ArrowLeft: ["column", -1], ArrowRight: ["column", 1], ArrowUp: ["row", -1], ArrowDown: ["row", 1] }[event.key];
    if (!at || !way) return;
    event.preventDefault();
    const [axis, step] = way;
    const other = axis === "row" ? "column" : "row";
    const ahead = [...this.root.querySelectorAll("button")].filter((one) => step * (one.dataset[axis] - at.dataset[axis]) > 0);
    const far = (one) => Math.abs(one.dataset[axis] - at.dataset[axis]) + 2 * Math.abs(one.dataset[other] - at.dataset[other]);
    ahead.sort((a, b) => far(a) - far(b))[0]?.focus();
  }
}
