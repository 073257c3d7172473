/* Teach: people say what was heard, those passages first of which the model is least sure; recordings of them come into the library. */

import { analysisPath } from "../../lib/analyses.js";
import { get, Problem } from "../../lib/api.js";
import { button, inside } from "../../lib/dom.js";
import { toast } from "../../lib/notices.js";
import { go, pathTo, title } from "../../lib/router.js";
import { loadNames, nameOf, namedSpecies } from "../../lib/species.js";
import { suggestSpecies } from "../../lib/suggest.js";
import { Card } from "./card.js";
import { Helped } from "./helped.js";
import { Taught } from "./progress.js";
import { Queue } from "./queue.js";
import { complain, send, withdraw } from "./server.js";
import { Whose } from "./whose.js";
import { text } from "./words.js";

export { text };

const REVIEWED_BEFORE = "already-reviewed";
const $ = (id) => document.getElementById(id);

class Teach {
  constructor() {
    this.work = new AbortController();
    this.sending = Promise.resolve();
    this.models = new Map(); // species by model, to be suggested
    this.card = new Card($("review"), {
      onAnswer: (review) => this.#answer(review),
      onDrawn: (review) => this.#send(review),
      onSkip: () => this.#skip(),
      onBack: () => this.#back(),
      known: () => this.#known(),
    });
    this.taught = new Taught({ onUndo: (review, undo) => this.#undo(review, undo), onCounts: (counts, items) => this.#counted(counts, items) });
    this.helped = new Helped();
    this.whose = new Whose($("whose"), { onDone: () => this.card.focus() });
    suggestSpecies($("only").elements.species, $("only-species"), namedSpecies);
    $("only").addEventListener("submit", (event) => event.preventDefault());
    $("only").addEventListener("change", () => this.#narrow($("only").elements.species.value.trim()));
  }

  /** teach or teach/ANALYSIS, with ?species= */
  async show({ path: [analysis], query }) {
    this.#leave();
    this.work = new AbortController();
    const { signal } = this.work;
    const species = query.get("species") ?? "";
    Object.assign(this, { filter: { analysis, species }, given: [], skipped: [], question: null, asked: "", again: false });
    this.queue = new Queue(this.filter, signal);
    title(text("title"));
    $("only").elements.species.value = species;
    try {
      await this.#ofAnalysis(analysis, signal);
      await this.taught.show(this.filter, signal);
      await this.#next();
    } catch (problem) {
      if (!signal.aborted) throw problem;
    }
  }

  close() {
    this.#leave();
  }

  #leave() {
    this.work.abort();
    this.card.close();
  }

  /** Says that only one analysis is asked about. Rejects with a Problem where there is none. */
  async #ofAnalysis(id, signal) {
    $("only-analysis").hidden = !id;
    if (!id) return;
    const { first_file: file } = await get(analysisPath(id), { signal }).catch((problem) => {
      throw problem.code === "not-found" ? new Problem("analysis-gone") : problem;
    });
    $("only-analysis-name").textContent = text("onlyAnalysis", file || text("library"));
    $("only-analysis").querySelector("a").href = pathTo("teach");
  }

  #narrow(species) {
    const { analysis } = this.filter;
    const query = species ? `?${new URLSearchParams({ species })}` : "";
    if (species !== this.filter.species) go(pathTo("teach", ...(analysis ? [analysis] : [])) + query);
  }

  /* ---- one after another ---- */

  async #next() {
    const { signal } = this.work;
    this.card.close(); // no answer counts twice
    try {
      this.question = await this.queue.next();
    } catch (problem) {
      if (!signal.aborted) this.#rest({ problem });
      return;
    }
    if (signal.aborted) return;
    if (!this.question) return this.#rest({});
    const { candidate } = this.question;
    $("rest").hidden = true;
    this.#learnSpecies(candidate.model);
    this.whose.ask(candidate);
    this.card.ask(this.question, signal);
    if (!document.activeElement.closest("#only, #whose, aside, #helped, dialog")) this.card.focus();
    this.#help();
  }

  #answer(review) {
    const { question } = this;
    const { signal } = this.work;
    const given = { question, signal, sent: this.#send({ candidate: question.candidate.id, ...review }) };
    this.given.push(given);
    given.sent.catch((problem) => this.#returned(given, problem));
    this.#next();
  }

  #skip() {
    this.given.push({ question: this.question, sent: null });
    this.skipped.push(this.question);
    this.#next();
  }

  /** Sends a review of the recording that is asked about, after those before it, and looks what it has changed. */
  async #send(review) {
    const { signal } = this.work;
    const whole = { ...review, ...this.whose.of(this.question.candidate) };
    this.sending = this.sending.catch(() => {}).then(() => send(whole));
    const answer = await this.sending;
    if (!signal.aborted) this.taught.look().catch(() => {}); // it is looked at again anyway
    return answer;
  }

  /**
   * A review that the server did not take: its question comes back, saying why; not in place of the one that is asked now,
   * which somebody may just be answering.
   */
  #returned(given, problem) {
    const name = nameOf(given.question.candidate);
    toast(problem.code === REVIEWED_BEFORE ? text("reviewedBefore", name) : text("notSent", name, problem.message));
    if (given.signal.aborted) return;
    this.given = this.given.filter((one) => one !== given);
    if (problem.code === REVIEWED_BEFORE) return;
    this.queue.putBack(Object.assign(given.question, { problem }));
    if (!this.question) this.#next();
  }

  /** The question that was answered or skipped last is asked again; an answer is taken back. */
  async #back() {
    const last = this.given.pop();
    if (!last) return toast(text("nothingBefore"));
    if (last.sent) {
      let review;
      try {
        review = await last.sent;
      } catch {
        return; // it comes back by itself
      }
      try {
        await withdraw(review.id);
      } catch (problem) {
        this.given.push(last);
        return complain(problem);
      }
      this.taught.look().catch(() => {});
    }
    this.#askFirst(last.question);
  }

  #askFirst(question) {
    this.skipped = this.skipped.filter((one) => one !== question);
    if (this.question) this.queue.putBack(this.question);
    this.queue.putBack(question);
    return this.#next();
  }

  /** Takes one of the last reviews back; if its question was asked here, it is asked again. */
  async #undo(review, undo) {
    undo.disabled = true;
    try {
      await withdraw(review.id);
    } catch (problem) {
      undo.disabled = false;
      return complain(problem);
    }
    toast(text("undone"));
    this.taught.look().catch(() => {});
    const given = this.given.find(({ question }) => question.candidate.id === review.candidate);
    if (!given) return;
    this.given = this.given.filter((one) => one !== given);
    await this.#askFirst(given.question);
  }

  /* ---- nothing to ask ---- */

  #rest({ problem }) {
    const { analysis, species } = this.filter;
    const actions = [];
    const asAction = (link) => Object.assign(link, { className: "button" });
    let key = "empty";
    if (problem) key = "failed";
    else if (this.skipped.length) key = "skippedAll";
    else if (species) key = "noneOfSpecies";
    else if (this.counts.reviewed) key = "done";
    if (problem) actions.push(button("button primary", text("again"), () => this.#next()));
    if (this.skipped.length) actions.push(button("button primary", text("askSkipped", this.skipped.length), () => this.#askSkipped()));
    if (species) actions.push(button("button", text("askOfAllSpecies"), () => this.#narrow("")));
    if (analysis) actions.push(asAction(inside(pathTo("teach"), text("askOfAll"))));
    if (key === "empty" || key === "done") actions.push(asAction(inside(pathTo("listen"), text("toListen"))), asAction(inside(pathTo("listen", "analyses"), text("toAnalyses"))));
    $("rest-title").textContent = text("rest")[key][0];
    $("rest-lead").textContent = problem ? [problem.message, problem.hint].filter(Boolean).join(". ") : text("rest")[key][1];
    $("rest-actions").replaceChildren(...actions);
    $("rest").hidden = false;
    if (this.given.length) $("rest-title").focus({ preventScroll: true });
    this.#help();
  }

  #askSkipped() {
    for (const question of this.skipped.splice(0).reverse()) this.queue.putBack(question);
    this.given = this.given.filter(({ sent }) => sent);
    return this.#next();
  }

  /* ---- beside it ---- */

  #counted(counts, items) {
    Object.assign(this, { counts, items });
    this.#help();
  }

  /** Of the model that is in doubt now, else of the one that was last. */
  #help() {
    const { counts, items, question } = this;
    const model = question?.candidate.model ?? items?.[0]?.model ?? null;
    if (!counts) return;
    const { verdicts, taking } = counts;
    const taught = counts.reviewed - (verdicts.unknown ?? 0);
    const asked = JSON.stringify([model, taught, taking]);
    if (asked === this.asked) return;
    this.asked = asked;
    this.helped.show(model, { taught, taking }, this.work.signal);
  }

  /** Species that the model knows are suggested, too, whatever the page knows of names. */
  #learnSpecies({ name, version }) {
    const key = `${name}:${version}`;
    if (this.models.has(key)) return;
    this.models.set(key, []);
    get(`/models/${encodeURIComponent(name)}/${encodeURIComponent(version)}`, { signal: this.work.signal }).then(
      ({ species }) => this.models.set(key, species.map((one) => ({ species: one.scientific, common_name: one.common }))),
      () => {}, // then those of the library are suggested
    );
  }

  #known() {
    return [...namedSpecies(), ...[...this.models.values()].flat()];
  }
}

export async function open(_root, route) {
  const view = new Teach();
  await loadNames({ english: true });
  try {
    await view.show(route);
  } catch (error) {
    view.close();
    throw error;
  }
  return view;
}
