/* The result that is shown: the recording on stage, and who is heard in it from the slider's confidence on. */

import { cut } from "../../lib/analyses.js";
import { activeModel, ask, playable } from "../../lib/api.js";
import { confidenceWord, percent } from "../../lib/format.js";
import { say } from "../../lib/notices.js";
import { go, pathTo } from "../../lib/router.js";
import { LONGEST as DRAWN } from "../../sound/decode.js";
import { atLeast, passages, tintsOf, verdict } from "../../sound/passages.js";
import { Stage } from "../../sound/stage.js";
import { CLASSIFIED } from "./asking.js";
import { offerDownloads } from "./downloads.js";
import { Keeping } from "./keeping.js";
import { showHeard, showMany, showRanking, showVerdict, showWarnings } from "./result.js";
import { ANALYSES, placeOf, soundOf } from "./server.js";
import { SEVERAL } from "./several.js";
import { text } from "./words.js";

const $ = (id) => document.getElementById(id);

export class ShownResult {
  /** `several` are the recordings that it may be one of; `closing` is aborted when the view is left. */
  constructor({ several, closing }) {
    Object.assign(this, { several, result: null });
    this.usual = 30; // per cent from which detections are shown at first: the model's own threshold, where it is known
    this.stage = new Stage({ text, onPlayable: () => this.result && this.#listHeard() });
    this.keeping = new Keeping({ onGone: () => go(pathTo("listen", ANALYSES)) });
    offerDownloads($("downloads-shown"), () => ({ ...this.result, detections: this.result.shown }));
    this.#listen();
    addEventListener("key", () => this.#learnThreshold(), { signal: closing });
    this.#learnThreshold();
  }

  clear() {
    this.stage.clear();
    this.result = null;
  }

  /**
   * Shows a result {id, file, name, sound, kept, answer, signal}: of the browser with its `file`, of the server with the
   * analysis that has `kept` it; `sound()` gives the recording as a Blob.
   */
  show(result) {
    const { kept, answer } = result;
    const { ranking, detections, recording, parameters } = answer;
    this.result = { ...result, tints: tintsOf(ranking, detections), all: { ranking: false, heard: false } };
    const least = Math.ceil(20 * (parameters?.min_confidence ?? 0.1) - 1e-6) * 5;
    $("threshold").min = Math.max(5, least);
    $("threshold").value = Math.max(this.usual, least);
    this.stage.lasts(recording.seconds);
    showWarnings($("warnings"), recording.warnings ?? []);
    this.keeping.offer(this.result);
    $("back").hidden = !this.several.any && !this.keeping.others;
    $("back").href = this.keeping.others ? placeOf(kept.id) : pathTo("listen", SEVERAL);
    $("columns").hidden = !ranking.length && !detections.length;
    this.#listRanking();
    this.#refresh();
  }

  /** Shows what the server keeps as {file, analysis, answer} of the recording at `position` of an analysis. */
  showFromServer(id, position, { file: name, analysis: kept, answer }, signal) {
    const sound = async () => (await ask(soundOf(id, position), { headers: { Accept: "*/*" }, signal })).blob();
    this.show({ id, name, sound, kept, answer, signal });
  }

  /** Brings that recording on stage: a long one as it is played and looked at, any other as a whole. */
  async fetchSound(position) {
    const { id, name, sound, answer, signal } = this.result;
    const { seconds } = answer.recording;
    try {
      const long = seconds > DRAWN;
      const source = long ? await playable(soundOf(id, position), { signal }) : new File([await sound()], name);
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
    const { answer, tints, all } = this.result;
    showRanking($("ranking"), $("ranking-more"), answer.ranking, tints, all.ranking);
  }

  #listHeard() {
    const places = { list: $("heard"), none: $("heard-none"), more: $("heard-more") };
    const { found = [], tints, all } = this.result;
    showHeard(places, found, tints, { playable: this.stage.playable, all: all.heard });
  }

  #listen() {
    const on = (id, event, act) => $(id).addEventListener(event, act);
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
  }

  /** From which confidence the model itself reports. */
  async #learnThreshold() {
    const model = await activeModel();
    if (model?.default_min_confidence) this.usual = 5 * Math.round(20 * model.default_min_confidence);
  }
}
