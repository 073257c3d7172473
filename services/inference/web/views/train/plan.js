/* The form: what to learn, from which recordings, and how. */

import { get } from "../../lib/api.js";
import { make } from "../../lib/dom.js";
import { bytes, number } from "../../lib/format.js";
import { nameOf, searchable } from "../../lib/species.js";
import { silhouetteOf } from "../../lib/silhouettes.js";
import { language } from "../../lib/strings.js";
import { text } from "./words.js";

const QUALITIES = ["A", "B", "C", "D", "E", "unrated"];
const FOLDS = [5, 3, 2, 0];
const CORNERS = ["south", "west", "north", "east"];
const LEAST_RECORDINGS = 2; // of a species, as a dataset has it where nothing else is asked
const $ = (id) => document.getElementById(id);

function tick(name, value, words, { checked = true, kind = "checkbox" } = {}) {
  const input = Object.assign(make("input", ""), { type: kind, name, value, checked });
  return { input, label: make("label", "tick", input, make("span", "", words)) };
}

/** A card to choose: a name, what it means, and its size and speed. */
function card(name, { value, title, meaning, fine, checked }) {
  const { input, label } = tick(name, value, "", { checked, kind: "radio" });
  label.className = "card";
  label.lastChild.append(...[make("b", "", title), make("span", "card-meaning", meaning), fine && make("span", "fine", fine)].filter(Boolean));
  return { input, label };
}

export class Plan {
  /** `onChange()` hears of everything that changes the dataset; `onStart()` when it is to be trained. */
  constructor({ onChange, onStart }) {
    this.form = $("plan");
    const on = (element, event, act) => element.addEventListener(event, act);
    on($("species-search"), "input", () => this.#search());
    on($("species-all"), "click", () => this.#choose(true));
    on($("species-none"), "click", () => this.#choose(false));
    on(this.form, "input", ({ target }) => {
      if (target.name === "recipe") this.#follow(this.recipes.find(({ name }) => name === target.value));
      if (["network", "recipe"].includes(target.name)) this.#nameNetwork();
      if (target.name === "folds") this.#sayTesting();
      if (target.name === "species") this.#count();
      if (!["recipe", "network", "epochs", "name"].includes(target.name) && target.id !== "species-search") onChange();
    });
    on(this.form, "submit", (event) => {
      event.preventDefault();
      onStart();
    });
    this.onChange = onChange;
    $("name-note").textContent = text("nameNote");
    this.form.elements.min_recordings.placeholder = "2";
    this.form.elements.max_recordings.placeholder = text("all");
    this.form.elements.folds.append(...FOLDS.map((folds) => new Option(text("foldsChoice", folds), folds)));
    $("quality").append(...QUALITIES.map((value) => tick("quality", value, value === "unrated" ? text("unrated") : value).label));
    this.form.elements.name.value = text("someName");
    this.form.elements.name.pattern = "[a-z0-9][a-z0-9._\\-]{0,63}";
  }

  /**
   * Fills in what there is to choose from: species with counts, licences, recipes, networks. Gives the number of species that
   * have enough recordings for a dataset.
   */
  async load({ signal }) {
    const [species, recipes, networks] = await Promise.all(["/species?prepared=true", "/recipes", "/networks"].map((path) => get(path, { signal })));
    Object.assign(this, { species, recipes, networks });
    const most = Math.max(...species.map(({ recordings }) => recordings), 1);
    $("species-choice").replaceChildren(...species.map((one) => this.#speciesRow(one, most)));
    $("species-search").placeholder = text("speciesSearch");
    const ordered = recipes.toSorted((a, b) => b.default - a.default);
    $("recipes").replaceChildren(...ordered.map((one) => this.#recipeCard(one)));
    const least = Math.min(...networks.map(({ milliseconds }) => milliseconds ?? Infinity));
    $("networks").replaceChildren(...networks.map((one) => this.#networkCard(one, least)));
    this.#follow(ordered[0]);
    this.#nameNetwork();
    this.#sayTesting();
    this.#count();
    return species.filter(({ recordings }) => recordings >= LEAST_RECORDINGS).length;
  }

  /** Licences are known once it is known what there is. */
  offerLicences(names) {
    if ($("licences").children.length) return;
    $("licences").replaceChildren(...names.map((name) => tick("licence", name, name === "unknown" ? text("unknownLicence") : name).label));
  }

  /** How many species. */
  get chosen() {
    return this.#ticked("species").length;
  }

  /** As `POST /datasets` takes it. Narrowed is only what does not take everything there is. */
  get selection() {
    const { elements } = this.form;
    const chosen = this.#ticked("species");
    const selection = { name: elements.name.validity.valid && /^[A-Za-z0-9]/.test(elements.name.value) ? elements.name.value : "dataset" };
    if (chosen.length < this.species.length) selection.species = chosen;
    for (const name of ["quality", "licence"]) {
      const boxes = this.form.querySelectorAll(`[name=${name}]`);
      const ticked = this.#ticked(name);
      if (boxes.length && ticked.length < boxes.length) selection[name] = ticked;
    }
    if (elements.no_derivatives.checked) selection.no_derivatives = "exclude";
    for (const name of ["min_recordings", "max_recordings"]) if (elements[name].value) selection[name] = Number(elements[name].value);
    for (const name of ["recorded_from", "recorded_to"]) if (elements[name].value) selection[name] = elements[name].value;
    const countries = elements.country.value.split(",").map((one) => one.trim()).filter(Boolean);
    if (countries.length) selection.country = countries;
    const corners = CORNERS.map((name) => elements[name].value);
    if (corners.every(Boolean)) selection.box = corners.map(Number);
    const folds = Number(elements.folds.value);
    if (folds) selection.folds = folds;
    return selection;
  }

  /** As `POST /trainings` takes it. */
  get training() {
    const { elements } = this.form;
    const [recipe, network] = [this.recipe, this.networks.find(({ name }) => name === elements.network.value)];
    const config = { recipe: recipe.name, epochs: Number(elements.epochs.value), folds: Number(elements.folds.value) };
    if (network && network.name !== recipe.values.network) {
      config.network = network.name;
      if (network.front_end === "original") config.front_end = network.front_end; // what asks for it takes no other
    }
    return { name: elements.name.value.trim(), dataset: this.selection, config };
  }

  get recipe() {
    return this.recipes.find(({ name }) => name === this.form.elements.recipe.value);
  }

  #ticked(name) {
    return [...this.form.querySelectorAll(`[name=${name}]:checked`)].map(({ value }) => value);
  }

  #speciesRow(one, most) {
    const name = nameOf({ species: one.scientific_name, common_name: one.common_name });
    const drawing = Object.assign(make("img", ""), { src: silhouetteOf(one.scientific_name), alt: "", width: 32, height: 32, loading: "lazy" });
    const bar = make("span", "species-bar");
    bar.style.width = `${(100 * one.recordings) / most}%`;
    bar.setAttribute("aria-hidden", "true");
    const { input, label } = tick("species", one.scientific_name, "");
    const latin = make("i", "", one.scientific_name);
    latin.lang = "la";
    label.lastChild.replaceWith(drawing, make("span", "species-name", name, " ", name === one.scientific_name ? null : latin), make("span", "species-amount", text("amount", one.recordings, one.recordists)), bar);
    input.dataset.names = searchable([name, one.scientific_name, one.common_name, ...Object.values(one.names)].join(" "));
    return make("li", "", label);
  }

  #recipeCard({ name, default: usual, values }) {
    const { label } = card("recipe", {
      value: name,
      title: text("recipeNames")[name] ?? name,
      meaning: text("recipes")[name] ?? text("recipeUnknown"),
      fine: text("recipeFine", values.network, values.epochs),
      checked: usual,
    });
    return label;
  }

  #networkCard({ name, bytes: size, milliseconds, parameters }, least) {
    const { label } = card("network", {
      value: name,
      title: name,
      meaning: text("networks")[name] ?? text("networkUnknown"),
      fine: size && milliseconds ? text("networkFine", bytes(size), number(milliseconds / least), new Intl.NumberFormat(language, { notation: "compact" }).format(parameters)) : null,
    });
    return label;
  }

  /** A recipe brings its network and its length. */
  #follow(recipe) {
    const { elements } = this.form;
    elements.network.value = recipe.values.network;
    elements.epochs.value = recipe.values.epochs;
  }

  #nameNetwork() {
    $("network-chosen").textContent = this.form.elements.network.value;
  }

  #sayTesting() {
    $("testing-note").textContent = text("testingNote", Number(this.form.elements.folds.value));
  }

  #count() {
    $("species-count").textContent = text("speciesCount", this.chosen, this.species.length);
  }

  #search() {
    const wanted = searchable($("species-search").value.trim());
    for (const input of this.form.querySelectorAll("[name=species]")) input.closest("li").hidden = !input.dataset.names.includes(wanted);
  }

  /** All that the search shows, or none of them. */
  #choose(checked) {
    for (const input of this.form.querySelectorAll("#species-choice li:not([hidden]) input")) input.checked = checked;
    this.#count();
    this.onChange();
  }
}
