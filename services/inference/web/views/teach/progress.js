/* What was taught so far: how much, of which species, and the last of it, which can be taken back. */

import { button, inside, make } from "../../lib/dom.js";
import { number, since } from "../../lib/format.js";
import { over, reasonOf } from "../../lib/jobs.js";
import { watch } from "../../lib/moves.js";
import { pathTo } from "../../lib/router.js";
import { silhouetteOf } from "../../lib/silhouettes.js";
import { nameOf } from "../../lib/species.js";
import { stacked } from "../../figures/bars.js";
import { complain, counts, lately } from "./server.js";
import { text } from "./words.js";

const TINTS = { confirmed: 2, corrected: 1, noise: "rest", unknown: 5, added: 3 };
const SPECIES = 12;
const TAKING_IN = "/jobs/events?kind=ingest.review"; // each review is one such job, and what is heard moves below others
const $ = (id) => document.getElementById(id);

/** What a review says, in words. */
function verdictOf({ verdict, species, common_name, heard }) {
  if (verdict === "corrected" && heard) return text("correctedFrom", nameOf(heard));
  return text("verdicts")[species || common_name || verdict !== "added" ? verdict : "noise"];
}

function reviewed(review, onUndo) {
  const { species, common_name, heard, file, state, error, recording_id: recording, created_at: at } = review;
  const who = species ? { species, common_name } : heard;
  const drawing = Object.assign(make("img", ""), { src: who ? silhouetteOf(who.species) : "/static/birds/none.svg", alt: "", width: 36, height: 36 });
  const name = who ? nameOf(who) : text("noBird");
  const undo = button("link", text("undo"), () => onUndo(review, undo));
  undo.setAttribute("aria-label", text("undoOf", name));
  return make(
    "li",
    "",
    drawing,
    make("span", "who", recording ? inside(pathTo("library", "recordings", recording), name) : name),
    make("span", "hint", `${verdictOf(review)} · ${since(new Date(at))}`),
    undo,
    error || (over(state) && state !== "succeeded") ? make("span", "reason", error ? reasonOf(error) : text("notTaken", file)) : null,
  );
}

export class Taught {
  /** `onUndo(review, button)` when one is to be taken back; `onCounts(counts)` whenever they have changed. */
  constructor({ onUndo, onCounts }) {
    Object.assign(this, { onUndo, onCounts, before: "" });
  }

  /** Shows it, and keeps it as it is on the server until `signal` is aborted. Rejects with a Problem. */
  async show(filter, signal) {
    Object.assign(this, { filter, signal, before: "" });
    await this.look();
    watch(TAKING_IN, { reload: () => this.look(), onMoved: () => false, signal }).catch(complain);
  }

  async look() {
    const { signal } = this;
    const [counted, { items }] = await Promise.all([counts(this.filter, signal), lately(this.filter, signal)]);
    const now = JSON.stringify([counted, items]);
    if (signal.aborted || now === this.before) return;
    this.before = now;
    this.#count(counted);
    this.#list(items);
    this.onCounts(counted, items);
  }

  #count({ waiting, reviewed: done, verdicts, species, taking, failed }) {
    $("taught-count").textContent = text("counted", number(done), number(waiting));
    const said = Object.entries(verdicts).filter(([, count]) => count);
    $("taught-share").replaceChildren(...(said.length ? [stacked(said.map(([name, count]) => ({ share: count / done, tint: TINTS[name] })))] : []));
    $("verdicts").replaceChildren(
      ...said.map(([name, count]) => {
        const line = make("li", "", make("b", "", number(count)), ` ${text("verdicts")[name]}`);
        line.dataset.tint = TINTS[name];
        return line;
      }),
    );
    $("species-part").hidden = !species.length;
    $("taught-species").replaceChildren(...species.slice(0, SPECIES).map((one) => make("li", "", make("span", "", nameOf(one)), " ", make("b", "", number(one.count)))));
    $("taking").hidden = !taking;
    $("taking").textContent = text("taking", taking);
    $("taking-failed").hidden = !failed;
    $("taking-failed").textContent = text("takingFailed", failed);
  }

  #list(items) {
    const focused = $("lately-list").contains(document.activeElement);
    $("lately").hidden = !items.length;
    $("lately-list").replaceChildren(...items.map((review) => reviewed(review, this.onUndo)));
    if (focused) $("lately-title").parentElement.querySelector("button")?.focus();
  }
}
