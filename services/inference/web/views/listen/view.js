/* Listen: a recording, or several, and who is heard in them. Its states, and what leads from one to the next. */

import { Problem } from "../../lib/api.js";
import { button } from "../../lib/dom.js";
import { acceptDrops } from "../../lib/drop.js";
import { say } from "../../lib/notices.js";
import { problemView } from "../../lib/problem.js";
import { go, opened, pathTo, title } from "../../lib/router.js";
import { loadNames } from "../../lib/species.js";
import { Recording } from "../../sound/recorder.js";
import { Analyses } from "./analyses.js";
import { AnalysisPage } from "./analysis.js";
import { hear, hearOut, showSent } from "./asking.js";
import { find } from "./kept.js";
import { forgetLately, listLately } from "./lately.js";
import { follow } from "./recording.js";
import { ANALYSES, ANALYSIS, NOT_HEARD_YET, placeOf, resultOf } from "./server.js";
import { SEVERAL, Several } from "./several.js";
import { ShownResult } from "./shown.js";
import { wherever } from "./where.js";
import { text } from "./words.js";

export { text };

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

class Listen {
  constructor(root) {
    this.root = root;
    this.closing = new AbortController();
    this.recording = null;
    this.work = { abort: () => {} };
    this.several = new Several({ hear: (file, how) => hearOut(file, { where: this.where(), ...how }) });
    this.analyses = new Analyses();
    this.analysis = new AnalysisPage({ onOnly: (id) => this.#replace(ANALYSIS, id, 0) });
    this.where = wherever($("where"));
    this.shown = new ShownResult({ several: this.several, closing: this.closing.signal });
    this.#listen();
  }

  /* ---- what the router asks for ---- */

  /** The first view, the list of several recordings, what lies on the server, or the result of that id. */
  async show({ path: [part, ...rest] }) {
    if (part === undefined) return this.#welcome();
    this.#leaveWork();
    if (part === SEVERAL) return this.several.any ? this.#enter(SEVERAL, "several-title") : go(HOME, { replace: true });
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
    await listLately();
    if (!signal.aborted) this.#enter("welcome", "welcome-title");
  }

  /** Until the next state is entered, what is still seen of the last takes no clicks: they would mean what is gone. */
  #leaveWork() {
    this.root.inert = true;
    this.work.abort();
    this.recording?.cancel();
    this.recording = null;
    this.shown.clear();
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
      follow(started, { runs: () => this.recording === started, onLongest: () => this.#stop() });
    } catch (error) {
      this.#fail(error);
    } finally {
      buttons.forEach((one) => (one.disabled = false));
    }
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

  async #analyse(file, name = file.name) {
    this.#leaveWork();
    const signal = this.#begin();
    this.#enter("analysing", "doing");
    showSent(0);
    try {
      const onStage = this.shown.stage.bring(file, name, signal);
      const { id, answer, href, analysis } = await hear(file, name, { where: this.where(), onSent: showSent, signal });
      if (signal.aborted) return;
      if (analysis) return await go(placeOf(analysis.id));
      history.pushState(null, "", href);
      this.#showOwn({ id, file, answer, signal });
      await onStage;
    } catch (error) {
      if (signal.aborted) return;
      this.#fail(error, () => this.#analyse(file, name));
    }
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
    const onStage = this.shown.stage.bring(file, name, signal);
    this.#showOwn({ id, file, answer, signal });
    await onStage;
  }

  /** The result of a recording that lies in this browser. */
  #showOwn({ id, file, answer, signal }) {
    this.shown.show({ id, file, name: file.name, sound: () => file, kept: null, answer, signal });
    this.#enterResult();
  }

  #enterResult() {
    this.#enter("result", "verdict-title");
    say("");
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
    this.shown.showFromServer(id, position, found, signal);
    this.#enterResult();
    await this.shown.fetchSound(position);
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
    on("forget", "click", forgetLately);
    const { signal } = this.closing;
    acceptDrops($("drop"), { take: (files) => this.#take(files), enabled: () => !this.recording, signal });
  }
}

export async function open(root, route) {
  const view = new Listen(root);
  await loadNames();
  return opened(view, route);
}
