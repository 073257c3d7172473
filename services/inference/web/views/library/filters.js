/* Which recordings are meant. The address has them as the API takes them; the form and the chips show them. */

import { get } from "../../lib/api.js";
import { button, make } from "../../lib/dom.js";
import { go } from "../../lib/router.js";
import { suggestSpecies } from "../../lib/suggest.js";
import { text } from "./words.js";

const NAMES = ["species", "text", "quality", "licence", "recordist", "country", "recorded_from", "recorded_to", "prepared", "deleted", "box", "ingestion_id", "source"];
const SINGLE = ["species", "text", "licence", "recordist", "country", "recorded_from", "recorded_to"];
const STATES = { prepared: ["prepared", "true"], waiting: ["prepared", "false"], deleted: ["deleted", "only"] };

/** Of an address's query what the API knows as filters. */
export const filtersIn = (query) => new URLSearchParams([...query].filter(([name, value]) => NAMES.includes(name) && value));

function options(list, values) {
  list.replaceChildren(...values.map(({ value, recordings }) => Object.assign(make("option", "", text("recordings", recordings)), { value })));
}

/** What a filter says, for its chip. */
function words(name, value) {
  if (name === "box") return text("chipBox", value.split(",").map((degrees) => Number(degrees).toFixed(1)));
  if (name === "ingestion_id") return text("chipIngestion");
  if (name === "prepared" || name === "deleted") {
    const [state] = Object.entries(STATES).find(([, [n, v]]) => n === name && v === value) ?? [];
    return state ? text("states")[state] : value;
  }
  return text("chip", text("fields")[name], name === "quality" && value === "unrated" ? text("unrated") : value);
}

export class Filters {
  constructor(form, chips) {
    Object.assign(this, { form, chips });
    this.fields = form.elements;
    suggestSpecies(this.fields.species, form.querySelector("#species-names"));
    form.addEventListener("change", () => this.#apply(this.#read()));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#apply(this.#read());
    });
  }

  /** Fills the form and the chips by the address, and what there is to choose from. */
  show({ query }) {
    this.query = query;
    for (const name of SINGLE) this.fields[name].value = query.get(name) ?? "";
    for (const box of this.form.querySelectorAll("[name=quality]")) box.checked = query.getAll("quality").includes(box.value);
    const [state] = Object.entries(STATES).find(([, [name, value]]) => query.get(name) === value) ?? [""];
    this.fields.state.value = state;
    const chosen = filtersIn(query);
    this.chips.replaceChildren(...[...chosen].map(([name, value]) => this.#chip(name, value)));
    this.chips.hidden = chosen.size === 0;
    if (chosen.size > 1) this.chips.append(button("link", text("clear"), () => this.#apply(new URLSearchParams())));
  }

  /** The licences, recordists and countries there are. */
  async offer(signal) {
    const values = await get("/recordings/values", { signal });
    const { licence } = this.fields;
    const now = this.query.get("licence") ?? "";
    const named = values.licence.map(({ value }) => value);
    licence.replaceChildren(
      ...["", ...named, ...(now && !named.includes(now) ? [now] : [])].map((value) =>
        Object.assign(make("option", "", value || text("any")), { value }),
      ),
    );
    licence.value = now;
    options(this.form.querySelector("#recordists"), values.recordist);
    options(this.form.querySelector("#countries"), values.country);
    return values;
  }

  #read() {
    const given = new FormData(this.form);
    const query = new URLSearchParams();
    for (const name of SINGLE) if (given.get(name)?.trim()) query.set(name, given.get(name).trim());
    for (const grade of given.getAll("quality")) query.append("quality", grade);
    const state = STATES[given.get("state")];
    if (state) query.set(...state);
    for (const name of ["box", "ingestion_id", "source"]) if (this.query.has(name)) query.set(name, this.query.get(name));
    return query;
  }

  #chip(name, value) {
    const label = words(name, value);
    const chip = button("chip", label, () => this.#apply(new URLSearchParams([...this.query].filter(([n, v]) => n !== name || v !== value))));
    chip.setAttribute("aria-label", text("without", label));
    return chip;
  }

  /** A field that changes and then sends its form says the same twice. */
  #apply(query) {
    const tail = query.size ? `?${query}` : "";
    if (tail !== location.search) go(location.pathname + tail);
  }
}
