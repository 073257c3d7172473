/* Teach: people say what was heard, those passages first of which the model is least sure; recordings of them come into the library. */

import { analysisPath } from "../../lib/analyses.js";
import { get, Problem } from "../../lib/api.js";
import { toast } from "../../lib/notices.js";
import { go, opened, pathTo, title } from "../../lib/router.js";
import { loadNames, nameOf, namedSpecies } from "../../lib/species.js";
import { suggestSpecies } from "../../lib/suggest.js";
import { Card } from "./card.js";
import { Helped } from "./helped.js";
import { Known } from "./known.js";
import { Taught } from "./progress.js";
import { Question, Queue } from "./queue.js";
import { Rest } from "./rest.js";
import { candidate, complain, send, withdraw } from "./server.js";
import { Whose } from "./whose.js";
import { text } from "./words.js";

export { text };

const REVIEWED_BEFORE = "already-reviewed";
const $ = (id) => document.getElementById(id);

class Teach {
  constructor() {
    this.work = new AbortController();
    this.sending = Promise.resolve();
    this.known = new Known();
    this.whose = new Whose({ first: $("whose-first"), later: $("whose"), onDone: () => this.card.focus() });
    this.card = new Card($("review"), {
      onAnswer: (review) => this.#answer(review),
      onDrawn: (review) => this.#send(review),
      onSkip: () => this.#skip(),
      onBack: () => this.#back(),
      known: () => this.known.all(),
      first: this.whose,
    });
    this.rest = new Rest({ onAgain: () => this.#next(), onSkipped: () => this.#askSkipped(), onAllSpecies: () => this.#narrow("") });
    this.taught = new Taught({ onUndo: (review, undo) => this.#undo(review, undo), onCounts: (counts, items) => this.#counted(counts, items) });
    this.helped = new Helped();
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
      if (!signal.aborted) this.#askNothing({ problem });
      return;
    }
    if (signal.aborted) return;
    if (!this.question) return this.#askNothing({});
    const { candidate } = this.question;
    this.rest.hide();
    this.known.learn(candidate.model, signal);
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

  /** Takes one of the last reviews back, and asks its question again. */
  async #undo(review, undo) {
    const { signal } = this.work;
    undo.disabled = true;
    try {
      await withdraw(review.id);
    } catch (problem) {
      undo.disabled = false;
      return complain(problem);
    }
    toast(text("undone"));
    this.taught.look().catch(() => {});
    const given = this.given.find(({ question, sent }) => sent && question.candidate.id === review.candidate);
    this.given = this.given.filter((one) => one !== given);
    const question = given?.question ?? (await this.#questionOf(review, signal));
    if (question && !signal.aborted) await this.#askFirst(question);
  }

  /** The question that a review of an earlier visit had answered; null where it was drawn, or its analysis is gone. */
  async #questionOf({ candidate: id }, signal) {
    if (id === null) return null;
    try {
      return new Question(await candidate(id, signal));
    } catch (problem) {
      if (!signal.aborted && problem.code !== "not-found") complain(problem);
      return null;
    }
  }

  /* ---- nothing to ask ---- */

  #askNothing({ problem = null }) {
    const answered = this.counts.reviewed > 0 || this.given.some(({ sent }) => sent);
    this.rest.show({ ...this.filter, problem, skipped: this.skipped.length, answered });
    if (this.given.length) this.rest.focus();
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
    const asked = JSON.stringify([model, counts.reviewed, counts.verdicts, counts.taking]);
    if (asked === this.asked) return;
    this.asked = asked;
    this.helped.show(model, this.work.signal);
  }
}

export async function open(_root, route) {
  const view = new Teach();
  await loadNames({ english: true });
  return opened(view, route);
}
