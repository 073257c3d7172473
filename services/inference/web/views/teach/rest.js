/* Where there is nothing to ask: why that is so, and what can be done about it. */

import { button, inside } from "../../lib/dom.js";
import { pathTo } from "../../lib/router.js";
import { text } from "./words.js";

const $ = (id) => document.getElementById(id);

const linked = (href, words) => Object.assign(inside(href, words), { className: "button" });

function reason({ problem, skipped, species, answered }) {
  if (problem) return "failed";
  if (skipped) return "skippedAll";
  if (species) return "noneOfSpecies";
  return answered ? "done" : "empty";
}

export class Rest {
  /** `onAgain()` to try again, `onSkipped()` to be asked of what was skipped, `onAllSpecies()` to be asked of every one. */
  constructor({ onAgain, onSkipped, onAllSpecies }) {
    Object.assign(this, { onAgain, onSkipped, onAllSpecies });
  }

  /**
   * By what stands in the way: a Problem, how many questions were `skipped`, an `analysis` or `species` that alone is asked
   * about; else by whether any were `answered`.
   */
  show({ problem, skipped, analysis, species, answered }) {
    const key = reason({ problem, skipped, species, answered });
    const [heading, lead] = text("rest")[key];
    $("rest-title").textContent = heading;
    $("rest-lead").textContent = problem ? [problem.message, problem.hint].filter(Boolean).join(". ") : lead;
    const actions = [];
    if (problem) actions.push(button("button primary", text("again"), this.onAgain));
    if (skipped) actions.push(button("button primary", text("askSkipped", skipped), this.onSkipped));
    if (species) actions.push(button("button", text("askOfAllSpecies"), this.onAllSpecies));
    if (analysis) actions.push(linked(pathTo("teach"), text("askOfAll")));
    if (key === "empty" || key === "done") actions.push(linked(pathTo("listen"), text("toListen")), linked(pathTo("listen", "analyses"), text("toAnalyses")));
    $("rest-actions").replaceChildren(...actions);
    $("rest").hidden = false;
  }

  focus() {
    $("rest-title").focus({ preventScroll: true });
  }

  hide() {
    $("rest").hidden = true;
  }
}
