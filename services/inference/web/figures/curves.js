/* Curves that grow: a figure epoch by epoch, a line for each network that is trained. */

import { make } from "../lib/dom.js";
import { svg } from "./svg.js";

const HEIGHT = 220; // CSS pixels
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 10, 10, 26];
const LEAST_ROOM = 34; // CSS pixels between two marks

/** Round numbers from 0 to `top`, about `wanted` steps. */
function marks(top, wanted) {
  const raw = top / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= raw - 1e-9);
  return Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, i) => i * step);
}

export class Curves {
  /**
   * Fills `root`; `name` is what a screen reader calls the picture, `format(value)` writes a value of the axis,
   * `exact(value)` one of the lines, `epoch(n)` names an epoch, and `none` is said where the chosen network has no line.
   */
  constructor(root, { name, format, exact = format, top = null, epoch, none = "" }) {
    Object.assign(this, { format, exact, top, epoch, none, lines: [], epochs: 1, at: null });
    this.picture = svg("svg", { class: "curves", role: "img", "aria-label": name, height: HEIGHT });
    this.words = make("p", "curves-words");
    this.words.setAttribute("aria-hidden", "true"); // a table says the same
    root.replaceChildren(this.picture, this.words);
    this.picture.addEventListener("pointermove", (event) => this.#point(event));
    this.picture.addEventListener("pointerleave", () => this.#look(null));
    this.observer = new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width !== this.width) requestAnimationFrame(() => this.#draw()); // drawn in here, it would be told at once again
    });
    this.observer.observe(root);
  }

  /** Lines {name, tint, dashed, faint, points: [[epoch, value], ...]} over so many epochs. */
  show(lines, epochs) {
    Object.assign(this, { lines: lines.filter(({ points }) => points.length), epochs: Math.max(1, epochs) });
    this.#draw();
  }

  close() {
    this.observer.disconnect();
  }

  #draw() {
    const width = this.picture.parentElement?.clientWidth;
    if (!width) return;
    this.width = width;
    const values = this.lines.flatMap(({ points }) => points.map(([, value]) => value));
    const top = this.top ?? Math.max(...values, 1e-3) * 1.05;
    const [plot, height] = [width - LEFT - RIGHT, HEIGHT - TOP - BOTTOM];
    this.x = (epoch) => LEFT + (this.epochs === 1 ? plot / 2 : (plot * (epoch - 1)) / (this.epochs - 1));
    const y = (value) => TOP + height * (1 - Math.min(value, top) / top);
    const across = marks(top, Math.floor(height / LEAST_ROOM)).map((value) => [
      svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, this.format(value)),
    ]);
    const ticks = marks(this.epochs, Math.min(this.epochs, Math.floor(plot / LEAST_ROOM))).filter(Number.isInteger);
    const under = [1, ...ticks.filter((epoch) => this.x(epoch) - this.x(1) >= LEAST_ROOM)].map((epoch) => svg("text", { x: this.x(epoch), y: HEIGHT - 6, "text-anchor": "middle" }, String(epoch)));
    const drawn = this.lines.map(({ points, tint, dashed, faint }) => {
      const classes = ["line", dashed && "dashed", faint && "faint"].filter(Boolean).join(" ");
      const line = svg("polyline", { class: classes, points: points.map(([epoch, value]) => `${this.x(epoch).toFixed(1)},${y(value).toFixed(1)}`).join(" ") });
      const [epoch, value] = points.at(-1);
      const end = svg("circle", { class: faint ? "end faint" : "end", cx: this.x(epoch), cy: y(value), r: faint ? 2.5 : 4 });
      const group = svg("g", { "data-tint": tint }, line, end);
      return group;
    });
    this.hair = svg("line", { class: "hair", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
    this.picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.picture.replaceChildren(...across.flat(), ...under, this.hair, ...drawn);
    this.#look(this.at);
  }

  #point(event) {
    const { left } = this.picture.getBoundingClientRect();
    const share = (event.clientX - left - LEFT) / Math.max(1, this.width - LEFT - RIGHT);
    this.#look(Math.round(1 + Math.max(0, Math.min(1, share)) * (this.epochs - 1)));
  }

  /** Says in words what the chosen network's lines are at an epoch; without one, at its last. */
  #look(epoch) {
    this.at = epoch;
    const lines = this.lines.filter(({ faint }) => !faint);
    const shown = epoch ?? lines[0]?.points.at(-1)[0];
    const values = lines.flatMap(({ name, points, tint, dashed }) => {
      const point = points.find(([at]) => at === shown);
      if (!point) return [];
      const value = make("span", "", `${name} ${this.exact(point[1])}`);
      value.dataset.tint = tint;
      value.classList.toggle("dashed", Boolean(dashed));
      return [value];
    });
    this.words.replaceChildren(...(values.length ? [make("b", "", this.epoch(shown)), ...values] : [lines.length ? "" : this.none]));
    this.hair?.setAttribute("visibility", epoch === null ? "hidden" : "visible");
    if (epoch !== null && this.x) {
      this.hair.setAttribute("x1", this.x(epoch));
      this.hair.setAttribute("x2", this.x(epoch));
    }
  }
}
