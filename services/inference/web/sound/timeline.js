/* The recording along its time: sonagram, detections as boxes, cursor; zoomed, scrolled and played by pointer or keys. */

import { clock, confidenceWord, number, percent } from "../lib/format.js";
import { nameOf } from "../lib/species.js";
import { shared } from "../lib/strings.js";
import { colours, darkness, fit, paintInto } from "./paint.js";
import { lanes } from "./passages.js";

const TOP_HZ = 11_025;
const LEAST_SCALE = 18; // CSS pixels a second to begin with, so that a 5 s detection can hold its name
const MOST_SCALE = 400;
const AXIS = 24; // CSS pixels of time axis under the sonagram
const LANE = 27; // CSS pixels from one label to the next
const LANES = 5; // more would hide the song; weaker detections stay in the list below
const STRIP = 7; // CSS pixels of a strip of stretches, at the foot of the sonagram
const NEAR = 14; // CSS pixels between the pointer and what is said of it
const steps = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

const between = (low, value, high) => Math.max(low, Math.min(high, value));

/** Marks every 2 kHz beside the sonagram. */
export function frequencyAxis(element) {
  for (let khz = 2; khz <= 10; khz += 2) {
    const mark = element.appendChild(document.createElement("span"));
    mark.textContent = `${khz} kHz`;
    mark.style.top = `${100 * (1 - (1000 * khz) / TOP_HZ)}%`;
  }
}

export class Timeline {
  /**
   * `onSeek(seconds)` when a person points at a time, `onPassage(passage)` when at a detection, `onZoom(canIn, canOut)` when
   * the scale or its limits change, `onView(from, to)` with the seconds in view whenever they are drawn.
   */
  constructor(root, { onSeek, onPassage, onZoom, onView }) {
    const find = (selector) => root.querySelector(selector);
    [this.scroller, this.track, this.canvas] = [find(".scroller"), find(".track"), find("canvas")];
    [this.seek, this.boxes, this.cursor, this.note] = [find(".seek"), find(".boxes"), find(".cursor"), find(".note")];
    [this.tip, this.drawn] = [find(".tip"), find(".drawn")];
    this.seek.setAttribute("aria-label", shared("position"));
    this.boxes.setAttribute("aria-label", shared("boxes"));
    Object.assign(this, { onSeek, onPassage, onZoom, onView });
    this.seek.addEventListener("click", (event) => this.onSeek(this.timeAt(event)));
    this.seek.addEventListener("keydown", (event) => this.#step(event));
    this.boxes.addEventListener("click", (event) => this.#choose(event));
    this.boxes.addEventListener("keydown", (event) => this.#rove(event));
    this.track.addEventListener("pointermove", (event) => this.#point(event));
    this.track.addEventListener("pointerleave", () => (this.tip.hidden = true));
    this.boxes.addEventListener("focusin", ({ target }) => this.#reveal(target));
    this.scroller.addEventListener("scroll", () => this.#redraw());
    darkness.addEventListener("change", () => this.#redraw());
    new ResizeObserver(() => this.#layout()).observe(this.scroller);
    this.clear();
  }

  clear() {
    [this.pictures, this.seconds, this.wish, this.passages, this.position, this.strips] = [[], 0, null, [], 0, []];
    [this.offset, this.outlined] = [0, null];
    this.drawn.hidden = true;
    this.boxes.replaceChildren();
    this.cursor.hidden = true;
    this.say("");
    this.scroller.scrollLeft = 0;
    this.#layout();
  }

  /** The length of what is shown; where that is a part of a recording, its first moment is at `offset` seconds of it. */
  show({ seconds, offset = this.offset }) {
    Object.assign(this, { seconds, offset });
    this.seek.setAttribute("aria-valuemax", seconds.toFixed(1));
    this.#layout();
    this.moveTo(this.position);
  }

  /** Its pictures, each {start, end, picture}: of which seconds, and what they look like (see spectrum.js). */
  draw(pictures) {
    this.pictures = pictures;
    this.#redraw();
  }

  /** A moment of what is shown, in seconds, as people read it: by the clock of the recording. */
  clock(seconds) {
    return clock(this.offset + seconds, true);
  }

  /** A sentence over the empty time line: why there is no picture. */
  say(words) {
    this.note.textContent = words;
    this.note.hidden = !words;
  }

  /** Passages as boxes, in the tints given by species. */
  mark(passages, tints) {
    const chosen = lanes(passages);
    this.passages = passages;
    this.boxes.replaceChildren(
      ...passages.map((passage, i) => {
        const box = document.createElement("button");
        const [name, sure] = [nameOf(passage), percent(passage.confidence)];
        box.type = "button";
        box.className = "box";
        box.dataset.tint = tints.get(passage.species);
        box.dataset.index = i;
        box.hidden = chosen[i] >= LANES;
        box.style.top = `${4 + chosen[i] * LANE}px`;
        box.style.zIndex = chosen[i]; // the lower box lies inside the higher one: on top, so that both can be hit
        box.tabIndex = -1;
        box.classList.toggle("strange", passage.known === false);
        box.setAttribute("aria-label", shared("boxLabel", name, sure, this.clock(passage.start), this.clock(passage.end)));
        const label = box.appendChild(document.createElement("span"));
        label.className = "box-label";
        label.textContent = `${name} ${sure}`;
        return box;
      }),
    );
    const first = this.boxes.querySelector(".box:not([hidden])");
    if (first) first.tabIndex = 0;
    this.#place();
  }

  /**
   * Strips at the foot of the sonagram, from above: {stretches: [{start, end}], colour: the name of a CSS variable, washed:
   * whether the song above is tinted, too}. They are drawn, because a long recording has thousands.
   */
  underline(strips) {
    this.strips = strips;
    this.#redraw();
  }

  /** A stretch {start, end} that somebody draws (see drawing.js); null for none. */
  outline(stretch) {
    this.outlined = stretch;
    this.drawn.hidden = !stretch;
    this.#place();
  }

  /** The cursor; `follow` scrolls it into view. */
  moveTo(seconds, follow = false) {
    this.position = between(0, seconds, this.seconds);
    const x = this.position * this.scale;
    this.cursor.style.transform = `translateX(${x}px)`;
    this.cursor.hidden = !this.position; // at the very start it would look like an axis
    this.seek.setAttribute("aria-valuenow", this.position.toFixed(1));
    this.seek.setAttribute("aria-valuetext", shared("positionValue", this.clock(this.position), this.clock(this.seconds)));
    const { scrollLeft, clientWidth } = this.scroller;
    if (follow && (x < scrollLeft || x > scrollLeft + 0.9 * clientWidth)) this.scroller.scrollLeft = x - 0.1 * clientWidth;
  }

  /** Around the cursor where that is in view, else around the middle. */
  zoom(factor) {
    const { scrollLeft, clientWidth } = this.scroller;
    const cursor = this.position * this.scale - scrollLeft;
    const anchor = cursor >= 0 && cursor <= clientWidth ? cursor : clientWidth / 2;
    const time = (scrollLeft + anchor) / this.scale;
    this.wish = this.scale * factor;
    this.#layout();
    this.scroller.scrollLeft = time * this.scale - anchor;
  }

  #limits() {
    const least = this.seconds ? this.scroller.clientWidth / this.seconds : 1;
    return [least, Math.max(least, MOST_SCALE)];
  }

  #layout() {
    const [least, most] = this.#limits();
    this.scale = between(least, this.wish ?? LEAST_SCALE, most);
    this.canvas.style.width = `${this.scroller.clientWidth}px`;
    this.track.style.width = `${Math.max(this.scroller.clientWidth, Math.round(this.seconds * this.scale))}px`;
    this.#place();
    this.moveTo(this.position);
    this.#redraw();
    this.onZoom(this.scale < most - 1e-6, this.scale > least + 1e-6);
  }

  #place() {
    for (const box of this.boxes.children) this.#span(box, this.passages[box.dataset.index]);
    if (this.outlined) this.#span(this.drawn, this.outlined);
  }

  #span(element, { start, end }) {
    element.style.left = `${start * this.scale}px`;
    element.style.width = `${Math.max(6, (Math.min(end, this.seconds || end) - start) * this.scale)}px`;
  }

  #redraw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (!width) return;
    fit(this.canvas, width, height);
    const context = this.canvas.getContext("2d");
    const dots = this.canvas.width / width;
    const image = context.createImageData(this.canvas.width, Math.round((height - AXIS) * dots));
    const from = this.scroller.scrollLeft / this.scale;
    new Uint32Array(image.data.buffer).fill(colours()[0]);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.putImageData(image, 0, 0);
    for (const one of this.pictures) this.#paint(context, one, { from, scale: this.scale * dots, height: image.height });
    context.setTransform(dots, 0, 0, dots, 0, 0);
    this.#underline(context, { width, height, from });
    if (this.seconds) this.#axis(context, { width, height, from });
    context.setTransform(1, 0, 0, 1, 0, 0);
    this.onView(from, from + width / this.scale);
  }

  /** One picture, as far as it is in view; `scale` in device pixels a second. */
  #paint(context, { start, end, picture }, { from, scale, height }) {
    const left = Math.max(0, Math.round((start - from) * scale));
    const right = Math.min(this.canvas.width, Math.round((Math.min(end, this.seconds) - from) * scale));
    if (right <= left) return;
    const image = context.createImageData(right - left, height);
    const first = Math.max(0, from + left / scale - start);
    paintInto(image, picture, first, first + (right - left) / scale);
    context.putImageData(image, left, 0);
  }

  #underline(context, { width, height, from }) {
    const style = getComputedStyle(this.canvas);
    const foot = height - AXIS;
    this.strips.forEach(({ stretches, colour, washed }, i) => {
      const top = foot - STRIP * (this.strips.length - i);
      context.fillStyle = style.getPropertyValue("--veil");
      context.fillRect(0, top, width, STRIP);
      context.fillStyle = style.getPropertyValue(colour);
      for (const { start, end } of stretches) {
        const [x, room] = [(start - from) * this.scale, (end - start) * this.scale];
        if (x + room < 0 || x > width) continue;
        context.globalAlpha = 1;
        context.fillRect(x, top + 1, Math.max(1, room - 1), STRIP - 2);
        if (!washed) continue;
        context.globalAlpha = 0.13;
        context.fillRect(x, 0, room, foot - STRIP * this.strips.length);
      }
      context.globalAlpha = 1;
    });
  }

  #axis(context, { width, height, from }) {
    const style = getComputedStyle(this.canvas);
    context.fillStyle = style.color;
    context.font = `12px ${style.fontFamily}`;
    const step = steps.find((s) => s * this.scale >= 88) ?? steps.at(-1);
    for (let k = Math.floor(from / step); k * step <= Math.min(this.seconds, from + width / this.scale); k++) {
      const x = (k * step - from) * this.scale;
      context.fillRect(Math.round(x), height - AXIS, 1, 5);
      const words = clock(this.offset + k * step, step < 1);
      const room = context.measureText(words).width;
      if (x + room / 2 > this.seconds * this.scale) continue;
      context.fillText(words, Math.max(2, x - room / 2), height - 6);
    }
  }

  /** Says what is under the pointer: whose box, or which time and frequency. */
  #point(event) {
    const frame = this.scroller.getBoundingClientRect();
    const box = event.target.closest(".box");
    const height = this.canvas.clientHeight - AXIS;
    const hertz = TOP_HZ * (1 - (event.clientY - frame.top) / height);
    this.tip.hidden = !this.seconds || hertz < 0;
    if (this.tip.hidden) return;
    if (box) {
      const { confidence, start, end, ...passage } = this.passages[box.dataset.index];
      this.tip.textContent = shared("boxTip", nameOf(passage), percent(confidence), confidenceWord(confidence), this.clock(start), this.clock(end));
    } else this.tip.textContent = shared("pointTip", this.clock(this.timeAt(event)), number(hertz / 1000));
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    const room = frame.width - this.tip.offsetWidth;
    this.tip.style.translate = `${between(0, x + NEAR, room)}px ${y > height / 2 ? y - NEAR - this.tip.offsetHeight : y + NEAR}px`;
  }

  /** Scrolls a box that has the focus into view, with some time before it. */
  #reveal(box) {
    const [x, { scrollLeft, clientWidth }] = [box.offsetLeft, this.scroller];
    if (x < scrollLeft || x > scrollLeft + 0.9 * clientWidth) this.scroller.scrollLeft = x - 0.1 * clientWidth;
  }

  /** The moment under a pointer, in seconds. */
  timeAt(event) {
    return between(0, (event.clientX - this.track.getBoundingClientRect().left) / this.scale, this.seconds);
  }

  #step(event) {
    const far = event.shiftKey ? 5 : 0.5;
    const { position: now, seconds } = this;
    const to = { ArrowLeft: now - far, ArrowRight: now + far, PageUp: now - 5, PageDown: now + 5, Home: 0, End: seconds }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.onSeek(between(0, to, seconds));
    this.moveTo(between(0, to, seconds), true);
  }

  #choose(event) {
    const box = event.target.closest(".box");
    if (box) this.onPassage(this.passages[box.dataset.index]);
  }

  #rove(event) {
    const all = [...this.boxes.querySelectorAll(".box:not([hidden])")];
    const at = all.indexOf(event.target);
    const to = { ArrowLeft: at - 1, ArrowUp: at - 1, ArrowRight: at + 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || !all[to]) return;
    event.preventDefault();
    all[at].tabIndex = -1;
    all[to].tabIndex = 0;
    all[to].focus();
  }
}
