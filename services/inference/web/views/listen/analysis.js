/* One analysis on the server: how far it is, then its recordings and what was heard in each. */

import { inside, make } from "../../lib/dom.js";
import { follow } from "../../lib/events.js";
import { bar, over, reasonOf } from "../../lib/jobs.js";
import { say } from "../../lib/notices.js";
import { Pages } from "../../lib/pages.js";
import { go, pathTo } from "../../lib/router.js";
import { standing } from "./analyses.js";
import { offerResults } from "./downloads.js";
import { resultRow, summary } from "./result.js";
import { ANALYSES, analysisOf, complain, eventsOf, failure, titleOf, placeOf, recordingsOf, removeFromServer, stop } from "./server.js";
import { text } from "./words.js";

const AT_ONCE = 50;
const $ = (id) => document.getElementById(id);

/** What came out of one recording, as the end of its line. */
function outcomeOf(line) {
  if (line.outcome === "waiting") return [make("span", "hint", text("waiting"))];
  if (line.outcome === "failed") return [make("span", "who problem-line", failure(line).detail)];
  return summary({ outcome: line.outcome, ranking: line.top });
}

export class AnalysisPage {
  /** `onOnly(id)` when the only recording of an analysis has been heard: its result is what people want to see. */
  constructor({ onOnly }) {
    this.onOnly = onOnly;
    this.pages = new Pages({ list: $("analysis-list"), more: $("analysis-more"), row: (line) => this.#row(line), onProblem: complain });
    $("analysis-stop").addEventListener("click", () => stop(this.analysis));
    $("analysis-remove").addEventListener("click", async () => {
      if (await removeFromServer(this.analysis)) go(pathTo("listen", ANALYSES));
    });
    offerResults($("analysis-downloads").querySelector("ul"), () => this.analysis.id);
  }

  /** Shows it, and follows it until it has ended or `signal` is aborted. Rejects with a Problem. */
  async show(id, signal) {
    Object.assign(this, { signal, analysis: null });
    await this.#update(await analysisOf(id, signal));
    if (signal.aborted || over(this.analysis.state)) return;
    const onEvent = ({ data }) => {
      this.#update(data).catch((problem) => signal.aborted || complain(problem));
      return over(data.state);
    };
    const onAway = (problem) => ($("analysis-away").hidden = !problem);
    follow(eventsOf(id), onEvent, { signal, onAway }).catch((problem) => signal.aborted || complain(problem));
  }

  async #update(analysis) {
    if (this.signal.aborted) return;
    const { id, state, progress, counts, error, cancel_requested: ending } = analysis;
    const [ended, first] = [over(state), !this.analysis];
    this.analysis = analysis;
    if (ended && state === "succeeded" && counts.recordings === 1) return this.onOnly(id);
    $("analysis-title").textContent = ended ? titleOf(analysis) : text("hearing", titleOf(analysis));
    $("analysis-standing").textContent = standing(analysis);
    $("analysis-progress").hidden = ended;
    $("analysis-progress").replaceChildren(bar(progress.fraction));
    $("analysis-note").textContent = text(ended ? "keptHere" : "goesOn");
    $("analysis-stop").hidden = ended || ending;
    $("analysis-remove").hidden = !ended;
    $("analysis-downloads").hidden = !ended || counts.recordings === counts.waiting + counts.failed;
    $("analysis-teach").hidden = $("analysis-downloads").hidden;
    $("analysis-teach").href = pathTo("teach", id);
    $("analysis-list").hidden = !ended && counts.recordings === 1;
    $("analysis-error").hidden = !error;
    $("analysis-error").textContent = error ? reasonOf(error) : "";
    if (first || ended) {
      say($("analysis-title").textContent);
      await this.pages.show(recordingsOf(id), new URLSearchParams({ limit: AT_ONCE }), this.signal);
    }
  }

  #row(line) {
    const heard = line.outcome !== "waiting" && line.outcome !== "failed";
    const href = heard ? placeOf(this.analysis.id, line.position) : null;
    return resultRow({ href, name: line.file, about: outcomeOf(line), answer: { outcome: line.outcome, ranking: line.top } });
  }
}
