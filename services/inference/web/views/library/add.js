/* Bringing recordings in: from Xeno-canto after a look at what there is, from a folder on the server, or by upload. */

import { ask, get } from "../../lib/api.js";
import { latin } from "../../lib/birds.js";
import { button, inside, make } from "../../lib/dom.js";
import { bytes, duration, number, since } from "../../lib/format.js";
import { bar, howFar, over, stateBadge } from "../../lib/jobs.js";
import { go, pathTo } from "../../lib/router.js";
import { nameOf } from "../../lib/species.js";
import { text } from "./words.js";
import { Uploads } from "./uploads.js";
import { watchIngestion } from "./watching.js";

const LATELY = 6;
const SHOWN = 12; // species in a preview before the rest is folded
const PARTS = ["xeno-canto", "folder", "upload"];
const NUMBERS = ["min_seconds", "max_seconds", "max_per_species"];
const $ = (id) => document.getElementById(id);

/** What an ingestion takes, in words: its query, species or path. */
export function askedFor({ source, parameters }) {
  if (source !== "xeno-canto") return parameters.path;
  const { query, species, country, quality } = parameters;
  return query ?? [species.map((one) => nameOf({ species: one })).join(", "), country, quality].filter(Boolean).join(" · ");
}

/** How a search or an import stands: its bar and, in words, what it does now. */
export function standing({ state, fraction, job }) {
  const words = [howFar({ fraction: fraction ?? job.progress.fraction, seconds_left: job.progress.seconds_left }), job.progress.message].filter(Boolean).join(" · ");
  return [bar(state === "queued" ? null : (fraction ?? job.progress.fraction)), make("p", "hint", words || text("waiting"))];
}

/** The form's fields as the API takes them; a query of its own stands alone. */
function wanted(form) {
  const given = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));
  const common = { source: "xeno-canto", ...(given.no_derivatives ? { no_derivatives: "include" } : {}), ...(given.max_per_species ? { max_per_species: Number(given.max_per_species) } : {}) };
  if (given.query) return { ...common, query: given.query };
  for (const name of NUMBERS) if (given[name]) given[name] = Number(given[name]);
  const species = (given.species ?? "").split(/[,;\n]/).map((one) => one.trim()).filter(Boolean);
  return { ...given, ...common, ...(species.length ? { species } : { species: [] }) };
}

function table(rows) {
  const body = make("tbody", "", ...rows.map(([name, ...values]) => {
    const head = make("th", "", ...[name].flat());
    head.scope = "row";
    return make("tr", "", head, ...values.map((value) => make("td", "", value)));
  }));
  return make("table", "small-table", body);
}

function speciesTable(species) {
  const rows = Object.entries(species)
    .sort(([, a], [, b]) => b.recordings - a.recordings)
    .map(([name, { common_name, recordings, hours }]) => [[nameOf({ species: name, common_name }), " ", latin(name)], text("recordings", recordings), duration(hours * 3600)]);
  if (rows.length <= SHOWN) return table(rows);
  const rest = make("details", "", make("summary", "", text("moreSpecies", rows.length - SHOWN)), table(rows.slice(SHOWN)));
  return make("div", "", table(rows.slice(0, SHOWN)), rest);
}

/** What Xeno-canto has, before anything of it is downloaded. */
function summaryView(summary, start) {
  const { chosen, found, known, hours, estimated_bytes: size, species, quality, licences, left_out: leftOut } = summary;
  const title = make("h2", "", chosen ? text("previewTitle", chosen, duration(hours * 3600), bytes(size)) : text(found ? "previewNothingNew" : "previewNone"));
  const licenceRows = Object.entries(licences).map(([name, recordings]) => [name, text("recordings", recordings)]);
  const gradeRows = Object.entries(quality).map(([name, recordings]) => [name === "unrated" ? text("unrated") : text("gradeTitle", name), text("recordings", recordings)]);
  const part = (key, content) => make("section", "", make("h3", "", text(key)), content);
  return [
    title,
    make("p", "hint", text("previewFound", number(found), number(known))),
    make(
      "div",
      "preview-parts",
      chosen ? part("previewSpecies", speciesTable(species)) : null,
      chosen ? part("previewLicences", table(licenceRows)) : null,
      chosen ? part("previewQuality", table(gradeRows)) : null,
      leftOut.length ? part("previewLeftOut", table(leftOut.map(({ code, reason, recordings }) => [text("leftOut")[code] ?? reason, text("recordings", recordings)]))) : null,
    ),
    chosen ? make("p", "actions", button("button primary", text("previewStart", chosen), start)) : null,
  ].filter(Boolean);
}

export class Add {
  constructor({ signal }) {
    this.uploads = new Uploads({ signal });
    this.looking = new AbortController();
    this.tabs = new Map(PARTS.map((part) => [part, inside(pathTo("library", "add", part), text("addTabs")[part])]));
    $("add-tabs").append(...this.tabs.values());
    const submits = (form, act) =>
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.#try(act);
      });
    submits($("xeno-canto"), () => this.#look());
    submits($("from-folder"), () => this.#folder());
    $("xeno-canto").addEventListener("input", () => this.#forget());
  }

  async show(part = PARTS[0], signal) {
    const shown = PARTS.includes(part) ? part : PARTS[0];
    for (const [name, link] of this.tabs) {
      $(`from-${name}`).hidden = name !== shown;
      if (name === shown) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    $("add-problem").hidden = true;
    const { items } = await get(`/ingestions?limit=${LATELY}`, { signal });
    $("lately").hidden = !items.length;
    $("lately-list").replaceChildren(...items.map((one) => this.#lately(one)));
  }

  close() {
    this.#forget();
    this.uploads.stop();
  }

  #lately(ingestion) {
    const { id, source, state, counts, created_at: at, parameters } = ingestion;
    const name = inside(pathTo("library", "ingestions", id), askedFor(ingestion));
    const taken = parameters.dry_run ? text("onlyLooked") : text("takenShort", counts.prepared, counts.refused + counts.unusable);
    return make("li", "", make("span", "hint", text("addTabs")[source] ?? text("sources")[source]), make("span", "who", name), make("span", "facts", taken), stateBadge(state), make("time", "hint", since(new Date(at))));
  }

  /* ---- Xeno-canto: first a look, then the download ---- */

  async #look() {
    this.#forget();
    this.looking = new AbortController();
    const { signal } = this.looking;
    const json = wanted($("xeno-canto"));
    const preview = $("preview");
    preview.hidden = false;
    preview.replaceChildren(bar(null), make("p", "hint", text("looking")));
    try {
      const begun = await get("/ingestions", { json: { ...json, dry_run: true }, signal });
      signal.addEventListener("abort", () => ask(`/ingestions/${begun.id}`, { method: "DELETE" }).catch(() => {}));
      const onSeen = (seen) => preview.replaceChildren(...(over(seen.state) ? this.#looked(seen, json) : standing(seen)));
      await watchIngestion(begun.id, onSeen, { signal });
    } catch (problem) {
      if (signal.aborted) return;
      preview.hidden = true;
      throw problem;
    }
  }

  #looked({ state, job }, json) {
    if (state === "succeeded") return summaryView(job.result.summary, () => this.#try(() => this.#begin(json)));
    return [make("h2", "", text("previewFailed")), make("p", "", job.error?.detail ?? "")];
  }

  /** What is shown no longer fits what is asked for. */
  #forget() {
    this.looking.abort();
    $("preview").hidden = true;
    $("add-problem").hidden = true;
  }

  #folder() {
    const { path, recordist, licence } = Object.fromEntries(new FormData($("from-folder")));
    return this.#begin({ source: "folder", path: path.trim(), recordist: recordist.trim(), licence: licence.trim() });
  }

  async #begin(json) {
    const { id } = await get("/ingestions", { json });
    go(pathTo("library", "ingestions", id));
  }

  async #try(act) {
    const buttons = $("add").querySelectorAll("form button, .preview button");
    $("add-problem").hidden = true;
    buttons.forEach((one) => (one.disabled = true));
    try {
      await act();
    } catch (problem) {
      $("add-problem").replaceChildren(make("b", "", problem.message), " ", problem.detail ?? "", " ", problem.hint ?? "");
      $("add-problem").hidden = false;
    } finally {
      buttons.forEach((one) => (one.disabled = false));
    }
  }
}
