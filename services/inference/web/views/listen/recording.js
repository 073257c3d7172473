/* A recording in progress: drawn, counted, and with a word on what to do, until it is enough. */

import { clock } from "../../lib/format.js";
import { say } from "../../lib/notices.js";
import { LivePicture } from "../../sound/live.js";
import { ADVISED, LONGEST } from "../../sound/recorder.js";
import { text } from "./words.js";

const AUDIBLE = 4; // of what LivePicture.step gives: more is no mere noise of the microphone
const QUIET = 2000; // milliseconds without a sound after which one is asked to look at the microphone
const LAST = 15; // seconds before its end that a recording is counted down
const $ = (id) => document.getElementById(id);

function hint(seconds, silent) {
  if (silent > QUIET) return text("hintQuiet");
  if (seconds > LONGEST - LAST) return text("hintLast", Math.ceil(LONGEST - seconds));
  return text(seconds < ADVISED ? "hintStart" : "hintEnough");
}

/** Draws and counts that Recording as long as it `runs()`; `onLongest()` once it is as long as any may be. */
export function follow(recording, { runs, onLongest }) {
  const picture = new LivePicture($("live"), recording.analyser);
  let heardAt = performance.now();
  const limit = setTimeout(() => runs() && onLongest(), LONGEST * 1000);
  const frame = (now) => {
    if (!runs()) return clearTimeout(limit);
    if (picture.step(now) > AUDIBLE) heardAt = now;
    const { seconds } = recording;
    $("clock").textContent = clock(seconds);
    const words = hint(seconds, now - heardAt);
    if ($("recording-hint").textContent !== words) $("recording-hint").textContent = words;
    if (seconds >= ADVISED) say(text("saidEnough"));
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
