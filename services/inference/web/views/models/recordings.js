/* Recordings of the library by their content, to be listened to and looked at; one plays at a time. */

import { get, Problem } from "../../lib/api.js";
import { button, make, outside } from "../../lib/dom.js";
import { fileAddress } from "../../lib/lists.js";
import { shared } from "../../lib/strings.js";
import { playIcon } from "../../figures/svg.js";
import { Player } from "../../sound/player.js";
import { text } from "./words.js";

const WIDTH = 900; // pixels of a spectrogram
const FOUND = new Map(); // recordings of the library by content: a person goes back and forth

/** The recording of that content, null where the library does not have it. */
async function recordingOf(sha256, signal) {
  if (FOUND.has(sha256)) return FOUND.get(sha256);
  const { items } = await get(`/recordings?sha256=${sha256}&limit=1`, { signal });
  if (items.length) FOUND.set(sha256, items[0]);
  return items[0] ?? null;
}

/** Calls `act` once the element is on the screen, unless `signal` is aborted before. */
function whenSeen(element, act, signal) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    observer.disconnect();
    act();
  });
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect());
}

export class Recordings {
  constructor() {
    this.controller = new AbortController();
    this.player = new Player({ onMove: () => {}, onChange: () => this.#mark() });
    this.playing = null;
  }

  /** Fills a list with `entries` {sha256, name, said}: `name` is what it is, `said` elements of what was made of it. */
  show(list, entries) {
    const { signal } = this.controller;
    list.replaceChildren(...entries.map((entry) => this.#row(entry, signal)));
  }

  /** Silence, and no more of what was asked for. */
  close() {
    this.controller.abort();
    this.controller = new AbortController();
    this.player.unload();
    this.playing = null;
  }

  #row({ sha256, name, said }, signal) {
    const about = make("span", "recording-about hint", "…");
    const play = button("button round", playIcon(), () => this.#toggle(play, sha256, picture, signal));
    play.disabled = true;
    play.classList.add("recording-play");
    play.dataset.name = name;
    const picture = make("div", "recording-picture");
    picture.hidden = true;
    const row = make("li", "", play, make("span", "recording-said", ...said), about, picture);
    whenSeen(row, () => this.#find(sha256, play, about, signal), signal);
    this.#label(play);
    return row;
  }

  /** Says whose recording it is, where the library has it. */
  async #find(sha256, play, about, signal) {
    try {
      const recording = await recordingOf(sha256, signal);
      play.disabled = !recording;
      if (!recording) return about.replaceChildren(text("gone"));
      const { xc_id: xc, recordist, licence, name: file } = recording;
      about.replaceChildren(xc ? outside(`https://xeno-canto.org/${encodeURIComponent(xc)}`, text("xenoCanto", xc)) : file, ` · ${text("by", recordist, licence)}`);
    } catch (problem) {
      if (signal.aborted) return;
      if (!(problem instanceof Problem)) throw problem;
      about.textContent = problem.code === "forbidden" ? text("notYours") : problem.message;
    }
  }

  async #toggle(play, sha256, picture, signal) {
    if (this.playing === play) return this.player.toggle();
    this.player.unload();
    this.playing = play;
    const { id } = await recordingOf(sha256, signal);
    this.#draw(picture, id, play.dataset.name, signal);
    try {
      const address = await fileAddress(`/recordings/${id}/audio`, { accept: "audio/*", signal });
      if (this.playing !== play) return;
      this.player.load(address);
      this.player.audio.addEventListener("loadedmetadata", () => this.player.play(), { once: true });
      this.player.audio.addEventListener("error", () => this.playing === play && picture.append(make("p", "fine", shared("cannotPlay"))), { once: true });
    } catch (problem) {
      if (signal.aborted) return;
      if (!(problem instanceof Problem)) throw problem;
      picture.append(make("p", "fine", problem.message));
    }
  }

  /** The spectrogram as the server draws it; where it cannot, the sound alone has to do. */
  async #draw(picture, id, name, signal) {
    if (!picture.hidden) return;
    picture.hidden = false;
    try {
      const address = await fileAddress(`/recordings/${id}/spectrogram.png?width=${WIDTH}`, { accept: "image/png", signal });
      const image = Object.assign(make("img", ""), { src: address, alt: text("spectrogram", name) });
      picture.prepend(image);
    } catch (problem) {
      if (!signal.aborted) picture.hidden = true;
      if (!signal.aborted && !(problem instanceof Problem)) throw problem;
    }
  }

  #mark() {
    for (const play of document.querySelectorAll(".recording-play")) {
      play.dataset.playing = String(this.playing === play && this.player.playing);
      this.#label(play);
    }
  }

  #label(play) {
    play.setAttribute("aria-label", text(play.dataset.playing === "true" ? "pauseName" : "playName", play.dataset.name));
  }
}
