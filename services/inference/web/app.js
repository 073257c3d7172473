/* The page as a whole: its states, and what leads from one to the next. */

import { activeModel, classify, Problem, useKey } from "./api.js";
import { acceptDrops } from "./drop.js";
import { LivePicture } from "./live.js";
import { atLeast, nameOf, passages, tintsOf, verdict } from "./passages.js";
import { ADVISED, LONGEST, Recording } from "./recorder.js";
import { showHeard, showProblem, showRanking, showVerdict, showWarnings } from "./result.js";
import { Stage } from "./stage.js";
import { clock, confidenceWord, fill, percent, text } from "./strings.js";
import { frequencyAxis } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const all = (selector) => document.querySelectorAll(selector);
fill(document);
frequencyAxis(document.querySelector(".axis"));
const stage = new Stage({ onPlayable: () => result && listHeard() });

/* ---- states: which parts are shown in which ---- */

const parts = {
  welcome: ["welcome"],
  recording: ["stage", "recording", "live"],
  analysing: ["stage", "analysing", "timeline"],
  result: ["stage", "verdict", "timeline", "details"],
  problem: ["problem"],
};
const everyPart = new Set(Object.values(parts).flat());

function enter(state, focus) {
  document.body.dataset.state = state;
  for (const part of everyPart) $(part).hidden = !parts[state].includes(part);
  $("controls").inert = state !== "result";
  document.title = text("brand");
  scrollTo({ top: 0 });
  ($(focus) ?? document.querySelector(focus))?.focus({ preventScroll: true });
}

const say = (words) => {
  if ($("status").textContent !== words) $("status").textContent = words;
};

function fail(error) {
  const problem = error instanceof Problem ? error : new Problem("server-error", { again: true });
  if (problem !== error) console.error(error);
  stage.clear();
  say("");
  showProblem($("problem"), problem);
  const wantsKey = problem.code.startsWith("key-");
  $("key-form").hidden = !wantsKey;
  $("retry").hidden = !(problem.again && work.file);
  enter("problem", wantsKey ? "key" : "problem-title");
}

/* ---- listening to the microphone ---- */

let recording = null;

async function record() {
  const buttons = all("[data-record]");
  buttons.forEach((button) => (button.disabled = true));
  say(text("micWaiting"));
  try {
    const started = await Recording.start();
    work.abort();
    stage.clear();
    [recording, result] = [started, null];
    enter("recording", "stop");
    say(text("saidRecording"));
    follow(recording);
  } catch (error) {
    work.file = null;
    fail(error);
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}

/** Draws and counts while that recording runs. */
function follow(current) {
  const picture = new LivePicture($("live"), current.analyser);
  let heardAt = performance.now();
  const limit = setTimeout(() => recording === current && stop(), LONGEST * 1000);
  const hint = (seconds, silent) => {
    if (silent > 2000) return text("hintQuiet");
    if (seconds > LONGEST - 15) return text("hintLast", Math.ceil(LONGEST - seconds));
    return text(seconds < ADVISED ? "hintStart" : "hintEnough");
  };
  const frame = (now) => {
    if (recording !== current) return clearTimeout(limit);
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

async function stop() {
  const current = recording;
  recording = null;
  try {
    await analyse(await current.stop("recording"), text("ownRecording"));
  } catch (error) {
    fail(error);
  }
}

async function cancelRecording() {
  const current = recording;
  recording = null;
  await current.cancel();
  say("");
  enter("welcome", "record");
}

/* ---- asking the server ---- */

/** What is being worked on: the file, its name, and how to stop. */
const work = { file: null, name: "", abort: () => {} };

async function analyse(file, name = file.name) {
  work.abort();
  const controller = new AbortController();
  const { signal } = controller;
  Object.assign(work, { file, name, abort: () => controller.abort() });
  result = null;
  enter("analysing", "doing");
  doing(0);
  try {
    if (!file.size) throw new Problem("empty-file");
    const onStage = stage.bring(file, name, signal);
    const answer = await classify(file, { signal, onSent: doing });
    showResult(answer);
    await onStage;
  } catch (error) {
    if (!signal.aborted) {
      controller.abort();
      fail(error);
    }
  }
}

/** How far the sending is, 0..1; when all is sent, the server listens. */
function doing(sent) {
  const words = sent < 1 ? text("sending", percent(sent)) : text("analysing");
  $("doing").textContent = words;
  if (sent < 1) $("progress").value = 100 * sent;
  else $("progress").removeAttribute("value");
  if (sent === 0 || sent === 1) say(words);
}

function cancelAnalysis() {
  work.abort();
  stage.clear();
  say("");
  enter("welcome", "record");
}

function take(files, input) {
  if (!files.length) return fail(new Problem("not-a-file"));
  if (input) input.value = ""; // so that the same file can be chosen again
  analyse(files[0]);
  if (files.length > 1) say(text("oneAtATime"));
}

/* ---- the result ---- */

/** Per cent from which detections are shown at first: the model's own threshold, where it is known. */
let usual = 30;

/** The answer on show, with what was derived from it; null without one. */
let result = null;

function showResult(answer) {
  const { ranking, detections, recording: about, parameters, model } = answer;
  result = { answer, tints: tintsOf(ranking, detections), all: { ranking: false, heard: false } };
  const least = Math.ceil(20 * (parameters?.min_confidence ?? 0.1) - 1e-6) * 5;
  $("threshold").min = Math.max(5, least);
  $("threshold").value = Math.max(usual, least);
  stage.lasts(about.seconds);
  showWarnings($("warnings"), about.warnings ?? []);
  showModel(model);
  listRanking();
  refresh();
  enter("result", "verdict-title");
  document.title = $("verdict-title").textContent;
  say("");
}

/** Everything that follows the slider. */
function refresh() {
  const { answer, tints } = result;
  const threshold = $("threshold").value / 100;
  $("threshold-words").textContent = text("thresholdWords", percent(threshold), confidenceWord(threshold));
  $("threshold").setAttribute("aria-valuetext", $("threshold-words").textContent);
  const shown = atLeast(answer.detections, threshold);
  const chosen = verdict(answer.ranking, shown);
  if (chosen !== result.chosen) showVerdict($("verdict-words"), answer.ranking, chosen);
  Object.assign(result, { chosen, found: passages(shown) });
  stage.timeline.mark(result.found, tints);
  listHeard();
}

function listRanking() {
  showRanking($("ranking"), $("ranking-more"), result.answer.ranking, result.tints, result.all.ranking);
}

function listHeard() {
  const places = { list: $("heard"), none: $("heard-none"), more: $("heard-more") };
  showHeard(places, result.found ?? [], result.tints, { playable: stage.playable, all: result.all.heard });
}

function showModel(model) {
  if (model === undefined) return;
  $("model").textContent = model ? text("model", model.name, model.version) : text("modelNone");
}

/* ---- what leads where ---- */

const on = (id, event, act) => $(id).addEventListener(event, act);
all("[data-record]").forEach((button) => button.addEventListener("click", record));
all("[data-choose]").forEach((button) => button.addEventListener("click", () => $("file").click()));
on("file", "change", ({ target }) => take([...target.files], target));
on("stop", "click", stop);
on("cancel-recording", "click", cancelRecording);
on("cancel-analysis", "click", cancelAnalysis);
on("retry", "click", () => analyse(work.file, work.name));
on("threshold", "input", refresh);
on("threshold", "change", () => say(`${$("threshold-words").textContent}. ${text("shown", result.found.length)}`));
on("ranking-more", "click", () => {
  result.all.ranking = !result.all.ranking;
  listRanking();
});
on("heard-more", "click", () => {
  result.all.heard = true;
  listHeard();
  $("heard").querySelector("li:nth-child(9) button")?.focus();
});
on("heard", "click", (event) => {
  const button = event.target.closest(".passage");
  if (button) stage.play(result.found[button.dataset.index]);
});
on("key-form", "submit", (event) => {
  event.preventDefault();
  useKey($("key").value.trim());
  $("key").value = "";
  askForModel();
  if (work.file) analyse(work.file, work.name);
  else enter("welcome", "record");
});
acceptDrops($("drop"), { take, enabled: () => !recording });
function askForModel() {
  activeModel().then((model) => {
    if (model?.default_min_confidence) usual = 5 * Math.round(20 * model.default_min_confidence);
    if (!result) showModel(model);
  });
}
askForModel();
