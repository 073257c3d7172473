/* What can be done with a result that only this browser keeps, and with one that the server keeps: share, download, remove. */

import { analyse } from "../../lib/api.js";
import { share } from "../../lib/format.js";
import { toast } from "../../lib/notices.js";
import { go, pathTo } from "../../lib/router.js";
import { offerResults } from "./downloads.js";
import { find, keep } from "./kept.js";
import { analysisOf, complain, placeOf, removeFromServer } from "./server.js";
import { text } from "./words.js";

const $ = (id) => document.getElementById(id);

/** Copies the address of a place; says so, or that the browser does not lend the clipboard (it does so for https, or localhost). */
async function copy(place) {
  try {
    await navigator.clipboard.writeText(new URL(place, location.href).href);
    toast(text("linkCopied"));
  } catch {
    toast(text("linkNotCopied"));
  }
}

/** What has to be asked for the same answer. */
function parametersOf({ model, parameters: { latitude, longitude, date } }) {
  const asked = { model: `${model.name}:${model.version}`, latitude, longitude, date };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => (value ?? null) !== null));
}

/** The analysis that keeps a result {analysis: its id} already; null where there is none, or somebody has removed it. */
async function keptBefore(result, signal) {
  if (!result?.analysis) return null;
  try {
    return await analysisOf(result.analysis, signal);
  } catch (problem) {
    if (problem.code !== "analysis-gone") throw problem;
    return null;
  }
}

export class Keeping {
  /** `onGone()` when the result that is shown was removed. */
  constructor({ onGone }) {
    offerResults($("downloads-formats"), () => this.result.kept.id);
    $("copy-link").addEventListener("click", () => copy(location.href));
    $("keep").addEventListener("click", () => this.#keep());
    $("remove").addEventListener("click", async () => {
      if (await removeFromServer(this.result.kept)) onGone();
    });
  }

  /** Whether the server keeps the result that is shown together with others. */
  get others() {
    return this.result.kept?.counts.recordings > 1;
  }

  /** Offers what can be done with a result {id, file, answer, kept, signal}; `kept` is its analysis, or null. */
  offer(result) {
    this.result = result;
    const { others } = this;
    const kept = Boolean(result.kept);
    $("downloads").open = false;
    $("downloads-need").hidden = kept;
    $("downloads-server").hidden = !kept || others;
    $("downloads-whole").hidden = !others;
    if (others) $("downloads-whole").querySelector("a").href = placeOf(result.kept.id);
    $("copy-link").hidden = !kept;
    $("remove").hidden = !kept;
    $("teach").hidden = !kept;
    if (kept) $("teach").href = pathTo("teach", result.kept.id);
    $("keep").hidden = kept;
    $("keep").disabled = false;
    $("keep").textContent = text("keepOnServer");
    $("kept-note").textContent = text(kept ? "keptNote" : "keptNoteNot");
  }

  /** Has the server keep this recording, unless it does already, and goes to the result there. */
  async #keep() {
    const { id, file, answer, signal } = this.result;
    const onSent = (sent) => ($("keep").textContent = text("keeping", share(sent)));
    $("keep").disabled = true;
    try {
      const here = await find(id);
      const analysis = (await keptBefore(here, signal)) ?? (await analyse(file, { parameters: parametersOf(answer), onSent, signal }));
      if (here) await keep({ ...here, analysis: analysis.id });
      await copy(placeOf(analysis.id, 0));
      if (!signal.aborted) await go(placeOf(analysis.id)); // which goes on to the result once it is heard
    } catch (problem) {
      if (signal.aborted) return;
      complain(problem);
      this.offer(this.result);
    }
  }
}
