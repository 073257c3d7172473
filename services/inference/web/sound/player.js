/* Plays the recording, or a part of it, once or again and again, and says where it is. */

export class Player {
  /** `onMove(seconds)` while it plays or is moved, `onChange()` when it starts, stops, or learns whether it can play. */
  constructor({ onMove, onChange }) {
    this.audio = new Audio();
    this.audio.preload = "auto";
    this.looping = false;
    [this.from, this.until] = [0, Infinity];
    this.playable = false;
    Object.assign(this, { onMove, onChange });
    const tell = () => onChange();
    this.audio.addEventListener("loadedmetadata", () => ((this.playable = true), tell()));
    this.audio.addEventListener("error", () => ((this.playable = false), tell()));
    this.audio.addEventListener("play", () => (tell(), this.#follow()));
    this.audio.addEventListener("pause", tell);
    this.audio.addEventListener("ended", () => (this.looping && this.until < Infinity ? this.play(this.from, this.until) : this.seek(0)));
    this.audio.addEventListener("seeked", () => onMove(this.audio.currentTime));
  }

  get playing() {
    return !this.audio.paused;
  }

  load(url) {
    this.audio.pause();
    this.playable = false;
    this.until = Infinity;
    this.audio.src = url;
    this.onChange();
  }

  unload() {
    this.audio.pause();
    this.playable = false;
    this.audio.removeAttribute("src");
    this.audio.load();
    this.onChange();
  }

  seek(seconds) {
    this.until = Infinity;
    if (this.playable) this.audio.currentTime = seconds;
    this.onMove(seconds);
  }

  /** From `start`, to `end` where given. */
  async play(start = this.audio.currentTime, end = Infinity) {
    if (!this.playable) return;
    this.audio.currentTime = start;
    [this.from, this.until] = [start, end];
    try {
      await this.audio.play();
    } catch (error) {
      // Paused or replaced before it began: as asked; or nobody has touched the page yet, and the browser keeps it silent.
      if (!["AbortError", "NotAllowedError"].includes(error.name)) throw error;
    }
  }

  toggle() {
    if (this.playing) this.audio.pause();
    else this.play();
  }

  #follow() {
    if (!this.playing) return;
    if (this.audio.currentTime >= this.until) {
      if (this.looping) this.audio.currentTime = this.from;
      else {
        this.audio.pause();
        this.until = Infinity;
      }
    }
    this.onMove(this.audio.currentTime);
    requestAnimationFrame(() => this.#follow());
  }
}
