/* One recording: its sonagram with what was found in it, whose it is, and what is known of it. */

import { ask, cut, get, playable } from "../../lib/api.js";
import { latin } from "../../lib/birds.js";
import { confirmed } from "../../lib/dialog.js";
import { button, inside, make } from "../../lib/dom.js";
import { bytes, clock, day, duration, moment, number } from "../../lib/format.js";
import { toast } from "../../lib/notices.js";
import { pathTo, title } from "../../lib/router.js";
import { nameOf } from "../../lib/species.js";
import { Stage } from "../../sound/stage.js";
import { Correction } from "./correction.js";
import { credit, drawing, grade, placeOf, titleOf } from "./facts.js";
import { degrees } from "./map.js";
import { text } from "./words.js";

const AT_ONCE = 5000; // sections or slices in one answer
const DRAWN = 15 * 60; // seconds that the browser can decode and draw
const $ = (id) => document.getElementById(id);

const strips = {
  signal: { colour: "--moss", washed: true },
  noise: { colour: "--edge" },
  slices: { colour: "--tint-1" },
};

/** Slices overlap: each but the first of a run is shown from where the one before it ends, so that all are seen. */
function apart(slices) {
  let end = 0;
  return slices.map((one) => {
    const start = Math.max(one.start, Math.min(end, one.end - 0.2));
    end = one.end;
    return { start: start + (start > one.start ? 0.05 : 0), end: one.end };
  });
}

/** All sections or slices of a recording, of which its own answer has but the first. */
async function every(path, signal) {
  const found = [];
  let next = null;
  do {
    const page = await get(`${path}?${new URLSearchParams({ limit: AT_ONCE, ...(next ? { cursor: next } : {}) })}`, { signal });
    found.push(...page.items);
    ({ next } = page);
  } while (next);
  return found;
}

const named = (species) => (species ? [nameOf({ species }), nameOf({ species }) === species ? null : latin(species)] : null);

function fact(name, ...content) {
  const shown = content.flat().filter((one) => one !== null && one !== undefined && one !== "");
  return shown.length ? [make("dt", "", text(name)), make("dd", "", ...shown.flatMap((one, i) => (i ? [" ", one] : [one])))] : [];
}

export class RecordingPage {
  constructor() {
    this.stage = new Stage({ text });
    this.correction = new Correction($("correction"), (recording) => this.#changed(recording, "corrected"));
    $("correct").addEventListener("click", () => this.correction.open(this.recording));
    $("delete").addEventListener("click", () => this.#delete());
    $("restore").addEventListener("click", () => this.#restore());
    $("next-signal").addEventListener("click", () => this.#nextSignal());
    $("legend").addEventListener("change", () => this.#underline());
  }

  /** Rejects with a Problem where there is no such recording. */
  async show(id, signal) {
    this.stage.clear();
    this.signal = signal;
    this.recording = await get(`/recordings/${encodeURIComponent(id)}`, { signal });
    this.#describe();
    this.#complete(signal).catch((problem) => signal.aborted || toast(problem.message));
    this.#bring().catch((problem) => {
      if (!signal.aborted) this.stage.timeline.say(problem.message);
    });
  }

  close() {
    this.stage.clear();
  }

  /** The sound itself: whole where it can be drawn, else as it is played. */
  async #bring() {
    const { id, name, seconds } = this.recording;
    const path = `/recordings/${id}/audio`;
    if (seconds > DRAWN) {
      const source = await playable(path, { signal: this.signal });
      if (this.signal.aborted) return;
      this.stage.stream(source, name, seconds, (start, end, still) => cut(`/recordings/${id}`, start, end, still));
      return this.#underline();
    }
    this.stage.timeline.show({ seconds: seconds ?? 0 });
    this.#underline();
    const content = await (await ask(path, { headers: { Accept: "*/*" }, signal: this.signal })).blob();
    const file = new File([content], name);
    this.#offer(file);
    const brought = this.stage.bring(file, titleOf(this.recording), this.signal);
    this.stage.timeline.show({ seconds: seconds ?? 0 });
    this.#underline();
    await brought;
  }

  /** What was found in a recording so long that its answer has only the first of it. */
  async #complete(signal) {
    const { id, sections, slices, section_count: sectionCount, slice_count: sliceCount } = this.recording;
    if (sectionCount > sections.length) this.recording.sections = await every(`/recordings/${id}/sections`, signal);
    if (sliceCount > slices.length) this.recording.slices = await every(`/recordings/${id}/slices`, signal);
    this.#legend();
    this.#underline();
  }

  #offer(file) {
    const url = URL.createObjectURL(file);
    this.signal.addEventListener("abort", () => URL.revokeObjectURL(url));
    Object.assign($("original"), { href: url, download: file.name });
    $("original").textContent = `${text("original")} (${bytes(file.size)})`;
  }

  #describe() {
    const { recording } = this;
    const name = titleOf(recording);
    title(name);
    $("one-title").replaceChildren(name);
    const also = recording.secondary.length ? text("alsoHeard", recording.secondary.map((species) => nameOf({ species })).join(", ")) : null;
    $("recording-also").replaceChildren(...[recording.species && recording.species !== name ? latin(recording.species) : null, also].filter(Boolean).flatMap((one, i) => (i ? [" · ", one] : [one])));
    $("recording-credit").replaceChildren(credit(recording));
    $("recording-drawing").replaceChildren(drawing(recording.species, 84));
    const gone = recording.deleted_at !== null;
    [$("delete").hidden, $("restore").hidden] = [gone, !gone];
    const notice = gone ? text("deletedNotice", moment(new Date(recording.deleted_at))) : recording.prepared ? "" : text("notPreparedNotice");
    $("recording-notice").textContent = notice;
    $("recording-notice").hidden = !notice;
    $("original").href = `/recordings/${recording.id}/audio`;
    $("original").download = recording.name;
    this.#facts();
    this.#legend();
  }

  #facts() {
    const { recording } = this;
    const { details, latitude, longitude } = recording;
    const remarks = details.rmk || details.remarks;
    const marked = recording.sections.filter(({ species }) => species);
    $("about").replaceChildren(
      ...fact("factSpecies", named(recording.species)),
      ...fact("factQuality", grade(recording.quality) ?? text("unrated")),
      ...fact("factPlace", placeOf(recording)),
      ...fact("factWhere", latitude === null ? null : inside(`${pathTo("library", "map")}?box=${[latitude - 0.5, longitude - 0.5, latitude + 0.5, longitude + 0.5].map((one) => one.toFixed(2))}`, degrees(latitude, longitude))),
      ...fact("factWhen", recording.recorded_on ? day(recording.recorded_on) : null, recording.recorded_time),
      ...fact("factType", details.type),
      ...fact("factRemarks", typeof remarks === "string" ? remarks : null),
      ...fact("factMarked", marked.map((one) => this.#mark(one))),
    );
    $("file-facts").replaceChildren(
      ...fact("factName", recording.name),
      ...fact("factLength", recording.seconds === null ? null : duration(recording.seconds)),
      ...fact("factSong", recording.signal_seconds === null ? null : duration(recording.signal_seconds)),
      ...fact("factFormat", [recording.format, recording.sample_rate && `${number(recording.sample_rate / 1000)} kHz`, recording.channels && text("channels", recording.channels)].filter(Boolean).join(", ")),
      ...fact("factAdded", moment(new Date(recording.created_at))),
      ...fact("factArrivals", recording.ingestions.map(({ ingestion_id: id, path }) => inside(pathTo("library", "ingestions", id), path))),
      ...fact("factWarnings", recording.warnings.join(" ")),
    );
  }

  /** A section that a person marked as another species, as a button that plays it. */
  #mark({ species, start, end }) {
    return button("link", `${nameOf({ species })} ${clock(start, true)} – ${clock(end, true)}`, () => this.stage.play({ start, end }));
  }

  #legend() {
    const { sections, section_count: sectionCount, slice_count: sliceCount } = this.recording;
    const signals = sections.filter(({ kind }) => kind === "signal").length;
    $("signal-count").textContent = text("signals", number(signals));
    $("noise-count").textContent = text("noises", number(sections.length - signals));
    $("slices-count").textContent = text("slices", sliceCount);
    $("legend").hidden = !sectionCount;
    $("next-signal").hidden = !signals;
  }

  #underline() {
    const { sections, slices } = this.recording;
    const shown = {
      signal: sections.filter(({ kind }) => kind === "signal"),
      noise: sections.filter(({ kind }) => kind === "noise"),
      slices: apart(slices),
    };
    const wanted = [...$("legend").querySelectorAll("input:checked")].map(({ value }) => value);
    this.stage.timeline.underline(wanted.filter((name) => shown[name].length).map((name) => ({ stretches: shown[name], ...strips[name] })));
  }

  /** Plays the next section with a bird after the cursor; after the last one, the first. */
  #nextSignal() {
    const signals = this.recording.sections.filter(({ kind }) => kind === "signal");
    const { position } = this.stage.timeline;
    this.stage.play(signals.find(({ start }) => start > position + 0.05) ?? signals[0]);
  }

  async #delete() {
    const yes = await confirmed({ title: text("deleteTitle"), detail: text("deleteDetail"), yes: text("delete") });
    if (yes) await this.#ask("", "DELETE", "deletedToast", $("restore"));
  }

  #restore() {
    return this.#ask("/restore", "POST", "restored", $("delete"));
  }

  async #ask(path, method, said, next) {
    try {
      this.#changed(await get(`/recordings/${this.recording.id}${path}`, { method }), said);
      next.focus();
    } catch (problem) {
      toast(`${problem.message}. ${problem.hint}`);
    }
  }

  #changed(recording, said) {
    Object.assign(this.recording, recording);
    this.#describe();
    toast(text(said));
  }
}
