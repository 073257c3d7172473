/* Models: all of them, each as a card, and two side by side. */

import { get, Problem } from "../../lib/api.js";
import { button, inside, make } from "../../lib/dom.js";
import { number, since } from "../../lib/format.js";
import { all } from "../../lib/lists.js";
import { toast } from "../../lib/notices.js";
import { go, opened, pathTo, title } from "../../lib/router.js";
import { loadNames } from "../../lib/species.js";
import { activate } from "./activate.js";
import { ComparisonPage } from "./comparison.js";
import { headline } from "./figures.js";
import { comparisonPath, ModelPage } from "./model.js";
import { modelName } from "./names.js";
import { text } from "./words.js";

export { text };

const COMPARE = "compare";
const PARTS = { home: "models-home", model: "model-page", comparison: "comparison" };
const TITLES = { home: "models-title", model: "model-title", comparison: "comparison-title" };
const $ = (id) => document.getElementById(id);

class Models {
  constructor() {
    this.controller = new AbortController();
    this.page = new ModelPage();
    this.comparison = new ComparisonPage();
    $("compare").addEventListener("click", () => this.#compare());
  }

  async show({ path: [name, version], query }) {
    this.#leave();
    const part = name === undefined ? "home" : version === undefined && name === COMPARE ? "comparison" : "model";
    this.models = await all("/models", { signal: this.controller.signal });
    if (part === "home") await this.#home();
    else if (part === "comparison") await this.comparison.open(query);
    else await this.page.open(name, version ?? this.#newest(name), this.models);
    for (const [which, id] of Object.entries(PARTS)) $(id).hidden = which !== part;
    if (this.moved) {
      scrollTo({ top: 0 });
      $(TITLES[part]).focus({ preventScroll: true });
    }
    this.moved = true;
  }

  close() {
    this.#leave();
  }

  #leave() {
    this.controller.abort();
    this.controller = new AbortController();
    this.page.close();
    this.comparison.close();
  }

  #newest(name) {
    return Math.max(...this.models.filter((one) => one.name === name).map(({ version }) => Number(version)), 1);
  }

  async #home() {
    title(text("title"));
    await this.#answering();
    $("models-list").replaceChildren(...this.models.map((model) => this.#row(model)));
    this.#count();
  }

  /** Which one answers, and the way back to the one before. */
  async #answering() {
    const found = await get("/models/active", { signal: this.controller.signal }).catch((problem) => {
      if (problem instanceof Problem && problem.code === "not-found") return null;
      throw problem;
    });
    if (!found) return $("answering-words").replaceChildren(make("p", "", text("answeringNobody")));
    const { model, previous, activated_at: at } = found;
    const now = make("p", "answering-now", inside(pathTo("models", model.name, model.version), modelName(model)), " ", make("span", "hint", text("answeringSince", since(new Date(at)))));
    const back = previous ? make("p", "", text("before", modelName(previous)), " ", button("link", text("goBack"), () => this.#goBack(previous))) : null;
    return $("answering-words").replaceChildren(...[now, headline(model), back].filter(Boolean));
  }

  async #goBack(previous) {
    try {
      if (!(await activate(previous, "goBackTitle"))) return;
      this.models = await all("/models", { signal: this.controller.signal });
      await this.#home();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      toast([problem.message, problem.detail].filter(Boolean).join(". "));
    }
  }

  #row(model) {
    const name = modelName(model);
    const tick = Object.assign(make("input", ""), { type: "checkbox", value: `${model.name}:${model.version}` });
    tick.setAttribute("aria-label", text("compareTick", name));
    tick.disabled = !model.files.includes("predictions");
    tick.addEventListener("change", () => this.#count());
    const pill = model.active ? make("span", "pill", text("active")) : null;
    if (pill) pill.dataset.state = "active";
    return make(
      "li",
      "",
      tick,
      make("span", "model-name", inside(pathTo("models", model.name, model.version), name), pill && " ", pill),
      headline(model),
      make("span", "hint", text("about", model.labels, number(model.recordings))),
      make("time", "hint", since(new Date(model.created_at))),
    );
  }

  get #ticked() {
    return [...$("models-list").querySelectorAll(":checked")].map(({ value }) => value);
  }

  #count() {
    const chosen = this.#ticked.length;
    $("compare").disabled = chosen !== 2;
    $("compare").textContent = text(chosen === 2 ? "compareReady" : "compare");
  }

  #compare() {
    const [one, other] = this.#ticked;
    const [name, version] = one.split(":");
    go(comparisonPath({ name, version }, other));
  }
}

export async function open(_root, route) {
  const view = new Models();
  await loadNames();
  return opened(view, route);
}
