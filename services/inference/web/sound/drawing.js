/* A stretch that somebody draws over the time line: dragged with a mouse at any time, with a finger or by keys once begun. */

const LEAST = 0.2; // seconds that a stretch has
const FIRST = 1; // seconds of one that is begun by keys
const [FINE, COARSE] = [0.1, 0.5]; // seconds that a key moves an end
const MEANT = 5; // CSS pixels: less is a click

const between = (low, value, high) => Math.max(low, Math.min(high, value));

export class Drawing {
  /**
   * `onBegin()` when a drag begins one; `onChange({start, end})` with each move; `onDrawn()` when the pointer lets it go.
   * Seconds are those of what the time line shows.
   */
  constructor(timeline, { onBegin, onChange, onDrawn }) {
    Object.assign(this, { timeline, onBegin, onChange, onDrawn, stretch: null, begun: false, from: null });
    const { track } = timeline;
    track.addEventListener("pointerdown", (event) => this.#press(event));
    track.addEventListener("pointermove", (event) => this.#drag(event));
    track.addEventListener("pointerup", () => this.#drop());
    track.addEventListener("pointercancel", () => this.#drop());
    track.addEventListener("click", (event) => this.#swallow(event), { capture: true });
  }

  /** From now on a finger draws, too; by keys it begins with a stretch at the cursor. */
  begin(stretch = null) {
    const { position, seconds } = this.timeline;
    const start = between(0, position, Math.max(0, seconds - FIRST));
    this.begun = true;
    this.timeline.track.classList.add("drawing");
    this.#set(stretch ?? { start, end: Math.min(seconds, start + FIRST) });
  }

  end() {
    [this.begun, this.stretch, this.from] = [false, null, null];
    this.timeline.track.classList.remove("drawing");
    this.timeline.outline(null);
  }

  /**
   * Arrow keys move its end, with Shift its start, with Control in larger steps; [ and ] put its start and end where the
   * cursor is. Whether the key was one of these.
   */
  press(event) {
    if (!this.begun) return false;
    const { start, end } = this.stretch;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key] * (event.ctrlKey ? COARSE : FINE);
    const { position } = this.timeline;
    if (event.key === "[") this.#set({ start: Math.min(position, end - LEAST), end });
    else if (event.key === "]") this.#set({ start, end: Math.max(position, start + LEAST) });
    else if (Number.isNaN(step)) return false;
    else if (event.shiftKey) this.#set({ start: between(0, start + step, end - LEAST), end });
    else this.#set({ start, end: Math.max(start + LEAST, end + step) });
    return true;
  }

  #set({ start, end }) {
    const { seconds } = this.timeline;
    this.stretch = { start: between(0, start, seconds - LEAST), end: Math.min(end, seconds) };
    this.timeline.outline(this.stretch);
    this.onChange(this.stretch);
  }

  #press(event) {
    this.dragged = false;
    if (event.button || (event.pointerType === "touch" && !this.begun) || !this.timeline.seconds) return;
    this.from = { x: event.clientX, time: this.timeline.timeAt(event) };
  }

  #drag(event) {
    if (!this.from) return;
    if (!this.dragged) {
      if (Math.abs(event.clientX - this.from.x) < MEANT) return;
      this.dragged = true;
      this.timeline.track.setPointerCapture(event.pointerId);
      if (!this.begun) this.onBegin();
    }
    const [start, end] = [this.from.time, this.timeline.timeAt(event)].sort((a, b) => a - b);
    this.#set({ start, end: Math.max(end, start + LEAST) });
  }

  #drop() {
    this.from = null;
    if (this.dragged) this.onDrawn();
  }

  /** The click with which a drag ends is none. */
  #swallow(event) {
    if (!this.dragged) return;
    this.dragged = false;
    event.stopPropagation();
  }
}
