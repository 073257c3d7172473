/* The stage: one recording as a picture one can play. Time line, player and the controls under them act as one. */

import { duration } from "../lib/format.js";
import { shared } from "../lib/strings.js";
import { decode, draw, wav } from "./decode.js";
import { furnish } from "./parts.js";
import { Player } from "./player.js";
import { Tiles } from "./tiles.js";
import { Timeline } from "./timeline.js";

const ZOOM = 1.6; // times larger or smaller at one step
const $ = (id) => document.getElementById(id);

/** A file as the browser can play it, and its `sound` (see decode.js) where it can open it; else the reason why not. */
async function opened(file) {
  const url = URL.createObjectURL(file);
  const { reason, seekable, ...sound } = await decode(file, url);
  URL.revokeObjectURL(url);
  if (reason) return { audio: file, reason };
  return { audio: seekable ? file : wav(sound), sound };
}

/** A file made ready for `Stage.put`: {audio, seconds, picture}. Null where the browser cannot open it. */
export async function ready(file, signal) {
  const { audio, sound } = await opened(file);
  if (!sound) return null;
  const { seconds } = sound;
  return { audio, seconds, picture: await draw(sound, signal) };
}

export class Stage {
  /**
   * Furnishes the plate and the controls of the view. `text` is the view's words, with cannotDraw and tooLongToDraw (and
   * zoomToDraw, where it streams with `cut`). `onPlayable()` when that changes: whether the browser can play the file.
   */
  constructor({ text, onPlayable = () => {} }) {
    furnish($("plate"), $("controls"));
    Object.assign(this, { text, onPlayable });
    // Found once: player and time line say their last word when these have left the page.
    this.parts = { play: $("play"), loop: $("loop"), time: $("time"), caption: $("caption") };
    const [zoomIn, zoomOut] = [$("zoom-in"), $("zoom-out")];
    this.player = new Player({ onMove: (seconds) => this.#moved(seconds), onChange: () => this.#changed() });
    this.timeline = new Timeline($("timeline"), {
      onSeek: (seconds) => this.player.seek(seconds),
      onPassage: (passage) => this.play(passage),
      onZoom: (canIn, canOut) => {
        zoomIn.disabled = !canIn;
        zoomOut.disabled = !canOut;
      },
      onView: (from, to) => this.tiles?.view(from, to),
    });
    this.urls = [];
    this.parts.play.addEventListener("click", () => this.player.toggle());
    zoomIn.addEventListener("click", () => this.timeline.zoom(ZOOM));
    zoomOut.addEventListener("click", () => this.timeline.zoom(1 / ZOOM));
    this.parts.loop.addEventListener("click", () => this.#repeat());
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
    this.tiles?.close();
    this.tiles = null;
    this.timeline.clear();
    this.urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
    this.#caption("", 0);
  }

  /** Brings a file on stage as far as the browser can: to be heard, and drawn as soon as the picture is ready. */
  async bring(file, name, signal) {
    this.clear();
    this.name = name;
    const { sound, audio, reason } = await opened(file);
    if (signal.aborted) return;
    this.player.load(this.#url(audio));
    if (!sound) return this.timeline.say(this.text(reason === "too-long" ? "tooLongToDraw" : "cannotDraw"));
    this.lasts(sound.seconds);
    this.#show(await draw(sound, signal), signal);
  }

  /** Brings on stage what was made ready before, without any wait; its first moment is at `offset` seconds of the recording. */
  put({ audio, seconds, picture }, name, offset = 0) {
    this.clear();
    this.name = name;
    this.player.load(this.#url(audio));
    this.timeline.show({ seconds, offset });
    this.lasts(seconds);
    this.#show(picture);
  }

  #show(picture, signal) {
    if (signal?.aborted || !picture) return;
    this.timeline.draw([{ start: 0, end: Infinity, picture }]);
    this.#caption("figure", this.timeline.seconds);
  }

  /** The length as the server or the browser measured it; the longer one counts. */
  lasts(seconds) {
    this.timeline.show({ seconds: Math.max(seconds, this.timeline.seconds) });
    this.#caption(this.timeline.pictures.length ? "figure" : "figurePlain", this.timeline.seconds);
    this.#moved(0);
  }

  /**
   * A recording that is too long to draw at once: it is played as it arrives, and what is in view is drawn of the Blobs
   * that `cut(start, end, signal)` gives of those seconds.
   */
  stream(url, name, seconds, cut) {
    this.clear();
    this.name = name;
    this.player.load(url);
    this.lasts(seconds);
    const words = { far: "zoomToDraw", failed: "cannotDraw" };
    const onChange = ({ pictures, standing }) => {
      this.timeline.draw(pictures);
      this.timeline.say(standing in words ? this.text(words[standing]) : "");
    };
    this.tiles = new Tiles({ cut, seconds, onChange });
    this.timeline.draw([]);
  }

  #url(blob) {
    this.urls.push(URL.createObjectURL(blob));
    return this.urls.at(-1);
  }

  #caption(key, seconds) {
    this.parts.caption.textContent = key ? shared(key, this.name, duration(seconds)) : "\u00a0";
  }

  #moved(seconds) {
    this.timeline.moveTo(seconds, this.player.playing);
    this.parts.time.textContent = `${this.timeline.clock(this.timeline.position)} / ${this.timeline.clock(this.timeline.seconds)}`;
  }

  #changed() {
    const { playing, playable } = this.player;
    const button = this.parts.play;
    button.disabled = !playable;
    button.dataset.playing = playing;
    button.title = playable ? "" : shared("cannotPlay");
    button.setAttribute("aria-label", shared(playing ? "pause" : "play"));
    if (playable !== this.wasPlayable) this.onPlayable();
    this.wasPlayable = playable;
  }

  #repeat() {
    this.player.looping = !this.player.looping;
    this.parts.loop.setAttribute("aria-pressed", String(this.player.looping));
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
