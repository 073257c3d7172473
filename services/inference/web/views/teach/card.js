/* One question with its sound: the picture, what can be answered, and a stretch that somebody draws. */

import { badge, latin, portrait } from "../../lib/birds.js";
import { make } from "../../lib/dom.js";
import { clock, confidenceLevel } from "../../lib/format.js";
import { say } from "../../lib/notices.js";
import { nameOf } from "../../lib/species.js";
import { remember, remembered } from "../../lib/storage.js";
import { Drawing } from "../../sound/drawing.js";
import { Stage } from "../../sound/stage.js";
import { Answers } from "./answers.js";
import { Naming } from "./naming.js";
import { text } from "./words.js";

const BY_ITSELF = "plays-by-itself";
const $ = (id) => document.getElementById(id);

const inField = (target) => target.closest("input, select, textarea, summary");

export class Card {
  /**
   * `onAnswer(review)` with a verdict and perhaps a species; `onDrawn(review)` with a stretch of the recording, which resolves
   * once the server has it; `onSkip()`, `onBack()`. `known()` gives species to suggest. As long as `first` is `open`, it is
   * what keys lead to.
   */
  constructor(root, { onAnswer, onDrawn, onSkip, onBack, known, first }) {
    Object.assign(this, { root, onAnswer, onDrawn, first, question: null, wish: false });
    this.stage = new Stage({ text, onPlayable: () => this.#begin() });
    this.drawing = new Drawing(this.stage.timeline, {
      onBegin: () => this.#draw({ start: 0, end: 0 }),
      onChange: (stretch) => this.#sayStretch(stretch),
      onDrawn: () => this.#nameStretch(),
    });
    this.naming = new Naming($("naming"), { known, onNamed: (species) => this.#named(species), onLeft: () => this.#leaveNaming() });
    $("drawing-name").addEventListener("click", () => this.#nameStretch());
    $("drawing-cancel").addEventListener("click", () => this.#leaveDrawing());
    this.acts = {
      yes: () => this.#answer({ verdict: "confirmed" }),
      correct: () => this.#correct(),
      noise: () => this.#answer({ verdict: "noise" }),
      unknown: () => this.#answer({ verdict: "unknown" }),
      skip: onSkip,
      back: onBack,
      draw: () => this.#draw(),
      play: () => this.#toggle(),
      other: (i) => this.#answer({ verdict: "corrected", species: this.question.candidate.others[i].species }),
    };
    this.answers = new Answers(this.acts);
    $("by-itself").checked = remembered(BY_ITSELF) !== "no";
    $("by-itself").addEventListener("change", ({ target }) => remember(BY_ITSELF, target.checked ? "yes" : "no"));
    root.addEventListener("keydown", (event) => this.#press(event));
  }

  /** Asks a question; its sound follows where it is not there yet. Pictures and sound end with `signal`. */
  async ask(question, signal) {
    this.#leave();
    Object.assign(this, { question, signal, wish: $("by-itself").checked });
    this.stage.clear();
    this.#words();
    this.answers.offer(question.candidate.others);
    this.root.hidden = false;
    const gone = () => signal.aborted || question !== this.question; // somebody was quicker than the sound
    try {
      const made = await question.ready(signal);
      if (!gone()) this.#put(made);
    } catch (problem) {
      if (!gone()) this.stage.timeline.say([problem.message, problem.detail].filter(Boolean).join(". "));
    }
  }

  close() {
    this.#leave();
    this.stage.clear();
    this.question = null;
    this.root.hidden = true;
  }

  /** The keys work here, as long as the focus is. */
  focus() {
    this.root.focus({ preventScroll: true });
    // A page that has not been drawn yet gives the focus to nothing.
    if (document.activeElement !== this.root) requestAnimationFrame(() => this.root.focus({ preventScroll: true }));
  }

  /* ---- what is shown ---- */

  #words() {
    const { candidate, problem } = this.question;
    const { species, confidence, file, start, end } = candidate;
    const name = nameOf(candidate);
    const where = make("p", "overline", make("span", "file", file), " ", make("span", "", text("stretch", clock(start, true), clock(end, true))));
    where.title = file;
    const title = make("h2", "", text("question", name, name === species));
    const sure = make("p", "sure", name === species ? null : latin(species), badge(confidence), make("span", "", text("sure")[confidenceLevel(confidence)]));
    $("question-words").replaceChildren(where, title, sure);
    $("question-portrait").replaceChildren(portrait(candidate, this.signal));
    $("returned").hidden = !problem;
    $("returned").replaceChildren(...(problem ? [make("b", "", text("returned", problem.message)), make("p", "", [problem.detail, problem.hint].filter(Boolean).join(" "))] : []));
    say(title.textContent);
  }

  #put(made) {
    const { candidate, from } = this.question;
    if (!made) return this.stage.timeline.say(text("cannotDraw"));
    this.stage.put(made, candidate.file, from);
    this.box = this.question.shown(candidate);
    const { species, common_name, confidence } = candidate;
    this.stage.timeline.mark([{ species, common_name, confidence, ...this.box }], new Map([[species, 0]]));
    this.stage.timeline.moveTo(this.box.start);
    this.#showDrawn();
  }

  /** What was drawn in it before. */
  #showDrawn() {
    this.stage.timeline.underline(this.question.drawn.length ? [{ stretches: this.question.drawn, colour: "--moss", washed: true }] : []);
  }

  /** Plays it once it can be played, where that is wanted. */
  #begin() {
    if (!this.wish || !this.stage.playable || !this.question) return;
    this.wish = false;
    this.stage.play(this.question.shown(this.question.candidate));
  }

  #toggle() {
    if (this.stage.player.playing || !this.question) this.stage.player.toggle();
    else this.stage.play(this.drawing.stretch ?? this.question.shown(this.question.candidate));
  }

  /* ---- answers ---- */

  /** Single keys count within the card only, and in no field (WCAG 2.1.4). */
  #press(event) {
    if (event.defaultPrevented || !this.question || inField(event.target)) return;
    if (this.drawing.begun && !this.naming.open && this.#pressDrawing(event)) return event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const act = this.answers.actOf(event);
    if (!act) return;
    event.preventDefault();
    if (this.first.open && act !== this.acts.play) this.first.focus();
    else act();
  }

  #pressDrawing(event) {
    if (event.key === "Escape") this.#leave();
    else if (event.key === "Enter" && !event.target.closest("button, a")) this.#nameStretch();
    else return this.drawing.press(event);
    return true;
  }

  #answer(review) {
    if (!this.question) return;
    this.#leave();
    this.onAnswer(review);
  }

  #correct() {
    this.#leave();
    this.naming.ask(text("whoIsIt"));
  }

  /* ---- a stretch that is drawn ---- */

  #draw(stretch = null) {
    if (!this.stage.timeline.seconds) return;
    this.naming.close();
    this.drawing.begin(stretch);
    $("drawing-hint").hidden = false;
    this.focus();
  }

  #sayStretch({ start, end }) {
    const { timeline } = this.stage;
    $("drawn-stretch").textContent = text("stretch", timeline.clock(start), timeline.clock(end));
    say($("drawn-stretch").textContent);
  }

  #nameStretch() {
    this.naming.ask(text("whoIsThere", $("drawn-stretch").textContent), { suggested: nameOf(this.question.candidate), noise: true });
  }

  async #named(species) {
    const { stretch } = this.drawing;
    if (!stretch) return this.#answer({ verdict: "corrected", species });
    const { question } = this;
    const { analysis, position } = question.candidate;
    const [start, end] = [stretch.start, stretch.end].map((one) => Number((question.from + one).toFixed(3)));
    const said = species ? { verdict: "added", species } : { verdict: "noise" };
    try {
      await this.onDrawn({ analysis, position, start, end, ...said });
    } catch (problem) {
      if (question === this.question) this.naming.refuse(problem);
      return;
    }
    question.drawn.push(stretch);
    if (question !== this.question) return;
    this.#leaveDrawing();
    this.#showDrawn();
  }

  /** From the field back to the stretch; without one, back to the question. */
  #leaveNaming() {
    this.naming.close();
    this.focus();
  }

  #leaveDrawing() {
    this.#leave();
    this.focus();
  }

  /** Neither is a species asked for nor a stretch drawn any more. */
  #leave() {
    const focused = $("naming").contains(document.activeElement);
    this.naming.close();
    this.drawing.end();
    $("drawing-hint").hidden = true;
    if (focused) this.focus();
  }
}
