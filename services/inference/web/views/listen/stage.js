/* The stage: one recording as a picture one can play. Time line, player and the controls under them act as one. */

import { clock, duration } from "../../lib/format.js";
import { shared } from "../../lib/strings.js";
import { decode, draw, wav } from "../../sound/decode.js";
import { Player } from "../../sound/player.js";
import { Timeline } from "../../sound/timeline.js";
import { text } from "./words.js";

const ZOOM = 1.6; // times larger or smaller at one step
const $ = (id) => document.getElementById(id);

export class Stage {
  /** `onPlayable()` when that changes: whether the browser can play the file. */
  constructor({ onPlayable }) {
    this.onPlayable = onPlayable;
    this.player = new Player({ onMove: (seconds) => this.#moved(seconds), onChange: () => this.#changed() });
    this.timeline = new Timeline($("timeline"), {
      onSeek: (seconds) => this.player.seek(seconds),
      onPassage: (passage) => this.play(passage),
      onZoom: (canIn, canOut) => {
        $("zoom-in").disabled = !canIn;
        $("zoom-out").disabled = !canOut;
      },
    });
    this.urls = [];
    $("play").addEventListener("click", () => this.player.toggle());
    $("zoom-in").addEventListener("click", () => this.timeline.zoom(ZOOM));
    $("zoom-out").addEventListener("click", () => this.timeline.zoom(1 / ZOOM));
    $("loop").addEventListener("click", () => this.#repeat());
    $("plate").addEventListener("keydown", (event) => this.#press(event));
    this.#changed();
  }

  get playable() {
    return this.player.playable;
  }

  /** Plays a passage: once, or again and again where that is chosen. */
  play({ start, end }) {
    this.player.play(start, end);
    this.timeline.moveTo(start, true);
  }

  clear() {
    this.player.unload();
    this.timeline.clear();
    this.urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
    this.#caption("", 0);
  }

  /** Brings a file on stage as far as the browser can: to be heard, and drawn as soon as the picture is ready. */
  async bring(file, name, signal) {
    this.clear();
    this.name = name;
    const url = this.#url(file);
    const sound = await decode(file, url);
    if (signal.aborted) return;
    this.player.load(sound.samples && !sound.seekable ? this.#url(wav(sound)) : url);
    if (!sound.samples) {
      this.timeline.say(text(sound.reason === "too-long" ? "tooLongToDraw" : "cannotDraw"));
      return;
    }
    this.lasts(sound.seconds);
    const picture = await draw(sound, signal);
    if (signal.aborted || !picture) return;
    this.timeline.show({ seconds: this.timeline.seconds, picture });
    this.#caption("figure", this.timeline.seconds);
  }

  /** The length as the server or the browser measured it; the longer one counts. */
  lasts(seconds) {
    this.timeline.show({ seconds: Math.max(seconds, this.timeline.seconds) });
    this.#caption(this.timeline.picture ? "figure" : "figurePlain", this.timeline.seconds);
    this.#moved(0);
  }

  #url(blob) {
    this.urls.push(URL.createObjectURL(blob));
    return this.urls.at(-1);
  }

  #caption(key, seconds) {
    $("caption").textContent = key ? text(key, this.name, duration(seconds)) : "\u00a0";
  }

  #moved(seconds) {
    this.timeline.moveTo(seconds, this.player.playing);
    $("time").textContent = `${clock(this.timeline.position, true)} / ${clock(this.timeline.seconds, true)}`;
  }

  #changed() {
    const { playing, playable } = this.player;
    const button = $("play");
    button.disabled = !playable;
    button.dataset.playing = playing;
    button.title = playable ? "" : shared("cannotPlay");
    button.setAttribute("aria-label", shared(playing ? "pause" : "play"));
    if (playable !== this.wasPlayable) this.onPlayable();
    this.wasPlayable = playable;
  }

  #repeat() {
    this.player.looping = !this.player.looping;
    $("loop").setAttribute("aria-pressed", String(this.player.looping));
  }

  /** Single keys count on the picture only (WCAG 2.1.4); a box keeps the space bar for itself. */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      " ": event.target.closest(".box") ? undefined : () => this.player.toggle(),
      l: () => this.#repeat(),
      "+": () => this.timeline.zoom(ZOOM),
      "-": () => this.timeline.zoom(1 / ZOOM),
    }[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
