/* Results that lie on the server: analyses, each with its recordings until somebody removes it (docs/analyses.md). */

import { analysisPath } from "../../lib/analyses.js";
import { ask, get, ownWords, Problem } from "../../lib/api.js";
import { confirmed } from "../../lib/dialog.js";
import { follow } from "../../lib/events.js";
import { over } from "../../lib/jobs.js";
import { toast } from "../../lib/notices.js";
import { pathTo } from "../../lib/router.js";
import { text } from "./words.js";

export const ANALYSIS = "analysis";
export const ANALYSES = "analyses";
export const NOT_HEARD_YET = "not-heard-yet";

/** Where in the page an analysis is, or one of its recordings. */
export const placeOf = (id, ...position) => pathTo("listen", ANALYSIS, id, ...position);

export const complain = (problem) => toast([problem.message, problem.hint].filter(Boolean).join(". "));

/** What a path of an analysis answers. */
async function found(path, signal) {
  try {
    return await get(path, { signal });
  } catch (problem) {
    throw problem.code === "not-found" ? new Problem("analysis-gone") : problem;
  }
}

export const analysisOf = (id, signal) => found(analysisPath(id), signal);
export const eventsOf = (id) => `${analysisPath(id)}/events`;
export const recordingsOf = (id) => `${analysisPath(id)}/recordings`;
export const soundOf = (id, position) => `${analysisPath(id, position)}/audio`;

/** The results of the whole analysis in one of the server's formats: {blob, name}. */
export async function resultsAs(id, format) {
  const answer = await ask(`${analysisPath(id)}?format=${format}`, { headers: { Accept: "*/*" } });
  const [, name] = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "") ?? [];
  return { blob: await answer.blob(), name: name ?? `analysis.${format}` };
}

/** What the reason of a failure is called here. */
export function failure({ code, error }) {
  return new Problem(code ?? "refused", ownWords(code, error) ?? { title: text("notHeard"), detail: error });
}

/** One recording {file, answer, analysis}, with the answer as of `POST /classify`. Rejects with a Problem, also where it could not be heard. */
export async function resultOf(id, position, signal) {
  const [analysis, heard] = await Promise.all([analysisOf(id, signal), found(analysisPath(id, position), signal)]);
  if (heard.status === "failed") throw failure(heard);
  const { file, seconds, sample_rate, channels, warnings, outcome, ranking, detections } = heard;
  const recording = { seconds, sample_rate, channels, warnings };
  const { model, parameters } = analysis;
  return { file, analysis, answer: { request_id: id, model, parameters, recording, outcome, ranking, detections } };
}

/** The result of an analysis of one recording, once it has ended; `onHeard(share)` meanwhile. Rejects as `resultOf`. */
export async function heardBy(id, { onHeard, signal }) {
  const onEvent = ({ data: { state, progress } }) => {
    onHeard(progress.fraction);
    return over(state);
  };
  await follow(eventsOf(id), onEvent, { signal, unseen: true }); // the next of several is sent when this one is heard
  return resultOf(id, 0, signal);
}

/** What people know an analysis by: its first recording, and how many more there are. */
export function titleOf({ source, first_file: first, counts }) {
  if (source.source === "folder") return source.path || text("wholeFolder");
  if (!first) return text("fromLibrary");
  return counts.recordings > 1 ? text("andMore", first, counts.recordings - 1) : first;
}

/** Ends the hearing; what was heard stays. */
export async function stop({ id }) {
  try {
    await ask(analysisPath(id), { method: "DELETE" });
    toast(text("stopping"));
  } catch (problem) {
    complain(problem);
  }
}

/** Asks, and removes an analysis that has ended; resolves to whether it is gone. */
export async function removeFromServer({ id, source, counts }) {
  const detail = source.source === "upload" ? text("removeDetail", counts.recordings) : text("removeResults");
  if (!(await confirmed({ title: text("removeTitle"), detail, yes: text("removeYes") }))) return false;
  try {
    await ask(analysisPath(id), { method: "DELETE" });
  } catch (problem) {
    if (problem.code !== "not-found") return complain(problem), false;
  }
  toast(text("removed"));
  return true;
}
