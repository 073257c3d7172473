/* Listen: a recording, or several, and who is heard in them. Its states, and what leads from one to the next. */

import { cut } from "../../lib/analyses.js";
import { activeModel, analyse, ask, classify, playable, Problem } from "../../lib/api.js";
import { confirmed } from "../../lib/dialog.js";
import { button, make } from "../../lib/dom.js";
import { acceptDrops } from "../../lib/drop.js";
import { clock, confidenceWord, percent, share, since } from "../../lib/format.js";
import { say, toast } from "../../lib/notices.js";
import { problemView } from "../../lib/problem.js";
import { go, pathTo, title } from "../../lib/router.js";
import { loadNames } from "../../lib/species.js";
import { LONGEST as DRAWN, lengthOf } from "../../sound/decode.js";
import { LivePicture } from "../../sound/live.js";
import { atLeast, passages, tintsOf, verdict } from "../../sound/passages.js";
import { ADVISED, LONGEST, Recording } from "../../sound/recorder.js";
import { Stage } from "../../sound/stage.js";
import { Analyses } from "./analyses.js";
import { AnalysisPage } from "./analysis.js";
import { offerDownloads } from "./downloads.js";
import { Keeping } from "./keeping.js";
import { find, forget, keep, lately } from "./kept.js";
import { resultRow, showHeard, showMany, showRanking, showVerdict, showWarnings, summary } from "./result.js";
import { ANALYSES, ANALYSIS, heardBy, NOT_HEARD_YET, placeOf, resultOf, soundOf } from "./server.js";
import { Several } from "./several.js";
import { wherever } from "./where.js";
import { text } from "./words.js";

export { text };

const SEVERAL = "several";
const LATELY = 5; // results on the first view
const CLASSIFIED = 15 * 60; // seconds that `POST /classify` takes; what is longer is heard as an analysis
const SURELY_SHORT = 0.9e6; // bytes: less holds no 15 minutes, however it is compressed
const LARGE = 100e6; // bytes: of more, nobody wants to wait for the answer with the page open
const TOO_MUCH = ["recording-too-long", "body-too-large"];
const HOME = pathTo("listen");
const $ = (id) => document.getElementById(id);
const all = (selector) => document.querySelectorAll(selector);

const parts = {
  welcome: ["welcome"],
  recording: ["stage", "recording", "live"],
  analysing: ["stage", "analysing", "timeline"],
  several: ["several"],
  analyses: ["analyses"],
  analysis: ["analysis"],
  result: ["stage", "verdict", "timeline", "details"],
  problem: ["problem"],
};
const everyPart = new Set(Object.values(parts).flat());
const titles = { result: "verdict-title", analyses: "analyses-title", analysis: "analysis-title" };

/** Whether it is more than `POST /classify` takes, as far as the browser can tell. */
async function isLong(file) {
  if (file.size < SURELY_SHORT || file.size > LARGE) return file.size > LARGE;
  const url = URL.createObjectURL(file);
  const seconds = await lengthOf(url);
  URL.revokeObjectURL(url);
  return seconds > CLASSIFIED;
}

class Listen {
  constructor(root) {
    this.root = root;
    this.closing = new AbortController();
    this.recording = null;
    this.result = null;
    this.usual = 30; // per cent from which detections are shown at first: the model's own threshold, where it is known
    this.work = { abort: () => {} };
    this.stage = new Stage({ text, onPlayable: () => this.result && this.#listHeard() });
    this.several = new Several({ hear: (file, how) => this.#hearOneOfSeveral(file, how) });
    this.analyses = new Analyses();
    this.analysis = new AnalysisPage({ onOnly: (id) => this.#replace(ANALYSIS, id, 0) });
    this.where = wherever($("where"));
    this.keeping = new Keeping({ onGone: () => go(pathTo("listen", ANALYSES)) });
    offerDownloads($("downloads-shown"), () => ({ ...this.result, detections: this.result.shown }));
    this.#listen();
  }

  /* ---- what the router asks for ---- */

  /** The first view, the list of several recordings, what lies on the server, or the result of that id. */
  async show({ path: [part, ...rest] }) {
    if (part === undefined) return this.#welcome();
    this.#leaveWork();
    if (part === SEVERAL) return this.several.any ? this.#enter("several", "several-title") : go(HOME, { replace: true });
    if (part === ANALYSES || part === ANALYSIS) return this.#showServer(part, ...rest);
    const signal = this.#begin();
    const kept = await find(part);
    if (signal.aborted) return;
    if (kept) await this.#showKept(kept);
    else this.#fail(new Problem("result-not-here"));
  }

  /** Another place of this view instead of where one is. */
  #replace(...path) {
    history.replaceState(null, "", pathTo("listen", ...path));
    return this.show({ path });
  }

  close() {
    this.closing.abort();
    this.several.stop();
    this.#leaveWork();
    this.root.inert = false;
    delete document.body.dataset.state;
  }

  /* ---- states: which parts are shown in which ---- */

  #enter(state, focus) {
    document.body.dataset.state = state;
    for (const part of everyPart) $(part).hidden = !parts[state].includes(part);
    this.root.inert = false;
    $("controls").inert = state !== "result";
    title(titles[state] ? $(titles[state]).textContent : "");
    scrollTo({ top: 0 });
    const target = $(focus);
    if (target && this.moved) target.focus({ preventScroll: true });
    this.moved = true; // at the very first, the focus stays where a browser puts it
  }

  async #welcome() {
    this.#leaveWork();
    const signal = this.#begin();
    await this.#listLately();
    if (!signal.aborted) this.#enter("welcome", "welcome-title");
  }

  /** Until the next state is entered, what is still seen of the last takes no clicks: they would mean what is gone. */
  #leaveWork() {
    this.root.inert = true;
    this.work.abort();
    this.recording?.cancel();
    this.recording = null;
    this.stage.clear();
    this.result = null;
    say("");
  }

  /** A signal for work that ends when one goes elsewhere. */
  #begin() {
    const controller = new AbortController();
    this.work = controller;
    return controller.signal;
  }

  #fail(error, again) {
    const problem = error instanceof Problem ? error : new Problem("server-error", { again: true, cause: error });
    if (problem !== error) console.error(error);
    this.#leaveWork();
    const actions = [
      button("button", text("recordAgain"), () => this.#record()),
      button("button", text("chooseAgain"), () => $("file").click()),
    ];
    $("problem").replaceChildren(problemView(problem, { again, onKey: again ?? (() => go(HOME)), actions }));
    this.#enter("problem", problem.code.startsWith("key-") ? "key" : "problem-title");
  }

  async #listLately() {
    const results = await lately();
    $("lately").hidden = !results.length;
    const row = ({ id, at, name, answer }) =>
      resultRow({ href: pathTo("listen", id), name, about: [...summary(answer), make("time", "hint", since(at))], answer });
    $("lately-list").replaceChildren(...results.slice(0, LATELY).map(row));
  }

  /* ---- listening to the microphone ---- */

  async #record() {
    const buttons = all("[data-record]");
    buttons.forEach((one) => (one.disabled = true));
    say(text("micWaiting"));
    try {
      const started = await Recording.start();
      this.#leaveWork();
      this.recording = started;
      this.#enter("recording", "stop");
      say(text("saidRecording"));
      this.#follow(started);
    } catch (error) {
      this.#fail(error);
    } finally {
      buttons.forEach((one) => (one.disabled = false));
    }
  }

  /** Draws and counts while that recording runs. */
  #follow(current) {
    const picture = new LivePicture($("live"), current.analyser);
    let heardAt = performance.now();
    const limit = setTimeout(() => this.recording === current && this.#stop(), LONGEST * 1000);
    const hint = (seconds, silent) => {
      if (silent > 2000) return text("hintQuiet");
      if (seconds > LONGEST - 15) return text("hintLast", Math.ceil(LONGEST - seconds));
      return text(seconds < ADVISED ? "hintStart" : "hintEnough");
    };
    const frame = (now) => {
      if (this.recording !== current) return clearTimeout(limit);
      if (picture.step(now) > 4) heardAt = now;
      const { seconds } = current;
      $("clock").textContent = clock(seconds);
      const words = hint(seconds, now - heardAt);
      if ($("recording-hint").textContent !== words) $("recording-hint").textContent = words;
      if (seconds >= ADVISED) say(text("saidEnough"));
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  async #stop() {
    const current = this.recording;
    this.recording = null;
    const signal = this.#begin();
    try {
      const file = await current.stop("recording");
      if (!signal.aborted) await this.#analyse(file, text("ownRecording"));
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  /* ---- asking the server ---- */

  /**
   * The answer to a recording, kept so that its link opens it again: {id, answer, href}. Of one that is too much for that
   * {analysis}, which the server has begun.
   */
  async #hear(file, name, { onSent, signal }) {
    if (!file.size) throw new Problem("empty-file");
    const where = this.where();
    try {
      if (!(await isLong(file))) {
        const answer = await classify(file, { where, onSent, signal });
        const id = answer.request_id;
        await keep({ id, at: Date.now(), name, file, answer });
        return { id, answer, href: pathTo("listen", id) };
      }
    } catch (problem) {
      if (!TOO_MUCH.includes(problem.code)) throw problem;
    }
    return { analysis: await analyse(file, { parameters: where, onSent, signal }) };
  }

  async #hearOneOfSeveral(file, { onHeard, ...how }) {
    const { analysis, ...heard } = await this.#hear(file, file.name, how);
    if (!analysis) return heard;
    const { answer } = await heardBy(analysis.id, { onHeard, signal: how.signal });
    return { answer, href: placeOf(analysis.id, 0) };
  }

  async #analyse(file, name = file.name) {
    this.#leaveWork();
    const signal = this.#begin();
    this.#enter("analysing", "doing");
    this.#doing(0);
    try {
      const onStage = this.stage.bring(file, name, signal);
      const { id, answer, href, analysis } = await this.#hear(file, name, { onSent: (sent) => this.#doing(sent), signal });
      if (signal.aborted) return;
      if (analysis) return await go(placeOf(analysis.id));
      history.pushState(null, "", href);
      this.#showResult({ id, file, name: file.name, sound: () => file, answer, signal });
      await onStage;
    } catch (error) {
      if (signal.aborted) return;
      this.#fail(error, () => this.#analyse(file, name));
    }
  }

  /** How far the sending is, 0..1; when all is sent, the server listens. */
  #doing(sent) {
    const words = sent < 1 ? text("sending", share(sent)) : text("analysing");
    $("doing").textContent = words;
    if (sent < 1) $("progress").value = 100 * sent;
    else $("progress").removeAttribute("value");
    if (sent === 0 || sent === 1) say(words);
  }

  #take(files) {
    if (!files.length) return this.#fail(new Problem("not-a-file"));
    if (files.length === 1) return this.#analyse(files[0]);
    this.#leaveWork();
    this.several.start(files);
    return go(pathTo("listen", SEVERAL));
  }

  /* ---- the result ---- */

  async #showKept({ id, name, file, answer }) {
    const signal = this.#begin();
    const onStage = this.stage.bring(file, name, signal);
    this.#showResult({ id, file, name: file.name, sound: () => file, answer, signal });
    await onStage;
  }

  /** What lies on the server: all of it, one analysis, or the result of one recording. */
  async #showServer(part, id, position) {
    const signal = this.#begin();
    try {
      if (id !== undefined && position !== undefined) return await this.#showOnServer(id, position, signal);
      await (id === undefined ? this.analyses.show(signal) : this.analysis.show(id, signal));
      if (!signal.aborted) this.#enter(id === undefined ? ANALYSES : ANALYSIS, titles[id === undefined ? ANALYSES : ANALYSIS]);
    } catch (problem) {
      if (!signal.aborted) this.#fail(problem, () => this.show({ path: [part, id, position].filter((one) => one !== undefined) }));
    }
  }

  async #showOnServer(id, position, signal) {
    let found;
    try {
      found = await resultOf(id, position, signal);
    } catch (problem) {
      if (problem.code === NOT_HEARD_YET) return this.#replace(ANALYSIS, id);
      throw problem;
    }
    if (signal.aborted) return;
    const { file: name, analysis: kept, answer } = found;
    const path = soundOf(id, position);
    const sound = async () => (await ask(path, { headers: { Accept: "*/*" }, signal })).blob();
    const { seconds } = answer.recording;
    this.#showResult({ id, name, sound, kept, answer, signal });
    try {
      const long = seconds > DRAWN;
      const source = long ? await playable(path, { signal }) : new File([await sound()], name);
      if (signal.aborted) return;
      const cutting = (start, end, still) => cut(id, position, start, end, still);
      const onStage = long ? this.stage.stream(source, name, seconds, cutting) : this.stage.bring(source, name, signal);
      this.stage.lasts(seconds);
      this.#refresh(); // the stage was cleared for it
      await onStage;
    } catch (problem) {
      if (!signal.aborted) this.stage.timeline.say(problem.message);
    }
  }

  #showResult({ id, file, name, sound, kept = null, answer, signal }) {
    const { ranking, detections, recording: about, parameters } = answer;
    this.result = { id, file, name, sound, kept, answer, signal, tints: tintsOf(ranking, detections), all: { ranking: false, heard: false } };
    const least = Math.ceil(20 * (parameters?.min_confidence ?? 0.1) - 1e-6) * 5;
    $("threshold").min = Math.max(5, least);
    $("threshold").value = Math.max(this.usual, least);
    this.stage.lasts(about.seconds);
    showWarnings($("warnings"), about.warnings ?? []);
    this.keeping.offer(this.result);
    $("back").hidden = !this.several.any && !this.keeping.others;
    $("back").href = this.keeping.others ? placeOf(kept.id) : pathTo("listen", SEVERAL);
    $("columns").hidden = !ranking.length && !detections.length;
    this.#listRanking();
    this.#refresh();
    this.#enter("result", "verdict-title");
    say("");
  }

  /** Everything that follows the slider. */
  #refresh() {
    const { answer, tints, signal } = this.result;
    const threshold = $("threshold").value / 100;
    $("threshold-words").textContent = text("thresholdWords", percent(threshold), confidenceWord(threshold));
    $("threshold").setAttribute("aria-valuetext", $("threshold-words").textContent);
    const shown = atLeast(answer.detections, threshold);
    const chosen = verdict(answer.ranking, shown);
    if (answer.recording.seconds > CLASSIFIED && shown.length) showMany($("verdict-words"), shown);
    else if (!chosen || chosen !== this.result.chosen) showVerdict($("verdict-words"), answer, chosen, { threshold, signal });
    Object.assign(this.result, { chosen, shown, found: passages(shown) });
    this.stage.timeline.mark(this.result.found, tints);
    this.#listHeard();
  }

  #listRanking() {
    const { answer, tints, all: whole } = this.result;
    showRanking($("ranking"), $("ranking-more"), answer.ranking, tints, whole.ranking);
  }

  #listHeard() {
    const places = { list: $("heard"), none: $("heard-none"), more: $("heard-more") };
    const { found = [], tints, all: whole } = this.result;
    showHeard(places, found, tints, { playable: this.stage.playable, all: whole.heard });
  }

  /* ---- what leads where ---- */

  #listen() {
    const on = (id, event, act) => $(id).addEventListener(event, act);
    all("[data-record]").forEach((one) => one.addEventListener("click", () => this.#record()));
    all("[data-choose]").forEach((one) => one.addEventListener("click", () => $("file").click()));
    on("file", "change", ({ target }) => {
      const files = [...target.files];
      target.value = ""; // so that the same file can be chosen again
      this.#take(files);
    });
    on("stop", "click", () => this.#stop());
    on("cancel-recording", "click", () => this.#welcome());
    on("cancel-analysis", "click", () => this.#welcome());
    on("threshold", "input", () => this.#refresh());
    on("threshold", "change", () => say(`${$("threshold-words").textContent}. ${text("shown", this.result.found.length)}`));
    on("ranking-more", "click", () => {
      this.result.all.ranking = !this.result.all.ranking;
      this.#listRanking();
    });
    on("heard-more", "click", () => {
      this.result.all.heard = true;
      this.#listHeard();
      $("heard").querySelector("li:nth-child(9) button")?.focus();
    });
    on("heard", "click", (event) => {
      const passage = event.target.closest(".passage");
      if (passage) this.stage.play(this.result.found[passage.dataset.index]);
    });
    on("forget", "click", async () => {
      const yes = await confirmed({ title: text("forgetTitle"), detail: text("forgetDetail"), yes: text("latelyForget") });
      if (!yes) return;
      await forget();
      await this.#listLately();
      $("welcome-title").focus();
      toast(text("forgotten"));
    });
    const { signal } = this.closing;
    acceptDrops($("drop"), { take: (files) => this.#take(files), enabled: () => !this.recording, signal });
    addEventListener("key", () => this.#learnThreshold(), { signal });
    this.#learnThreshold();
  }

  /** From which confidence the model itself reports. */
  async #learnThreshold() {
    const model = await activeModel();
    if (model?.default_min_confidence) this.usual = 5 * Math.round(20 * model.default_min_confidence);
  }
}

export async function open(root, route) {
  const view = new Listen(root);
  await loadNames();
  try {
    await view.show(route);
  } catch (error) {
    view.close();
    throw error;
  }
  return view;
}
