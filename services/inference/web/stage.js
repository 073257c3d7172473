/* The stage: one recording as a picture one can play. Time line, player and the controls under them act as one. */

import { Player } from "./player.js";
import { decode, draw, wav } from "./sound.js";
import { clock, duration, text } from "./strings.js";
import { Timeline } from "./timeline.js";

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
    $("zoom-in").addEventListener("click", () => this.timeline.zoom(1.6));
    $("zoom-out").addEventListener("click", () => this.timeline.zoom(1 / 1.6));
  }

  get playable() {
    return this.player.playable;
  }

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
    button.title = playable ? "" : text("cannotPlay");
    button.setAttribute("aria-label", text(playing ? "pause" : "play"));
    if (playable !== this.wasPlayable) this.onPlayable();
    this.wasPlayable = playable;
  }
}
