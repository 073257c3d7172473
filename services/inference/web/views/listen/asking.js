/* Asking the server who is heard: at once, or where that is too much, by an analysis that the server goes on with. */

import { analyse, classify, Problem } from "../../lib/api.js";
import { share } from "../../lib/format.js";
import { say } from "../../lib/notices.js";
import { pathTo } from "../../lib/router.js";
import { lengthOf } from "../../sound/decode.js";
import { keep } from "./kept.js";
import { heardBy, placeOf } from "./server.js";
import { text } from "./words.js";

export const CLASSIFIED = 15 * 60; // seconds that `POST /classify` takes; what is longer is heard as an analysis
const SURELY_SHORT = 0.9e6; // bytes: less holds no 15 minutes, however it is compressed
const LARGE = 100e6; // bytes: of more, nobody wants to wait for the answer with the page open
const TOO_MUCH = ["recording-too-long", "body-too-large"];
const $ = (id) => document.getElementById(id);

/** Whether it is more than `POST /classify` takes, as far as the browser can tell. */
async function isLong(file) {
  if (file.size < SURELY_SHORT || file.size > LARGE) return file.size > LARGE;
  const url = URL.createObjectURL(file);
  const seconds = await lengthOf(url);
  URL.revokeObjectURL(url);
  return seconds > CLASSIFIED;
}

/**
 * The answer to a recording made `where` {latitude, longitude, date}, kept so that its link opens it again: {id, answer, href}.
 * Of one that is too much for that {analysis}, which the server has begun.
 */
export async function hear(file, name, { where, onSent, signal }) {
  if (!file.size) throw new Problem("empty-file");
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

/** The same, waited for also where it is an analysis, with `onHeard(share)` meanwhile: {answer, href}. */
export async function hearOut(file, { onHeard, ...how }) {
  const { analysis, ...heard } = await hear(file, file.name, how);
  if (!analysis) return heard;
  const { answer } = await heardBy(analysis.id, { onHeard, signal: how.signal });
  return { answer, href: placeOf(analysis.id, 0) };
}

/** Shows how far the sending is, 0..1; when all is sent, the server listens. */
export function showSent(sent) {
  const words = sent < 1 ? text("sending", share(sent)) : text("analysing");
  $("doing").textContent = words;
  if (sent < 1) $("progress").value = 100 * sent;
  else $("progress").removeAttribute("value");
  if (sent === 0 || sent === 1) say(words);
}
