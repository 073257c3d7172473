/* Library: what recordings there are, one of them, and how more come in. Its parts, and which address shows which. */

import { get, Problem } from "../../lib/api.js";
import { inside } from "../../lib/dom.js";
import { duration, number } from "../../lib/format.js";
import { toast } from "../../lib/notices.js";
import { Pages } from "../../lib/pages.js";
import { go, pathTo, title } from "../../lib/router.js";
import { loadNames } from "../../lib/species.js";
import { Add } from "./add.js";
import { recordingRow } from "./facts.js";
import { Filters, filtersIn } from "./filters.js";
import { IngestionPage } from "./ingestion.js";
import { Places } from "./map.js";
import { RecordingPage } from "./recording.js";
import { showStatistics } from "./statistics.js";
import { text } from "./words.js";

export { text };

const TABS = ["recordings", "species", "map"];
const PARTS = ["browse", "one", "add", "ingestion"];
const $ = (id) => document.getElementById(id);
const complain = (problem) => toast(`${problem.message}. ${problem.hint}`);

class Library {
  constructor() {
    this.closing = new AbortController();
    this.work = new AbortController();
    this.filters = new Filters($("filters"), $("chips"));
    this.list = new Pages({ list: $("recordings-list"), more: $("recordings-more"), row: recordingRow, onProblem: complain });
    this.map = new Places($("world"), { zoomIn: $("map-in"), zoomOut: $("map-out"), whole: $("map-whole"), none: $("map-none"), onProblem: complain });
    this.recording = new RecordingPage();
    this.add = new Add({ signal: this.closing.signal });
    this.ingestion = new IngestionPage();
    this.tabs = new Map(TABS.map((name) => [name, inside("", text("tabs")[name])]));
    $("tabs").append(...this.tabs.values());
    $("order").addEventListener("change", ({ target }) => {
      const query = new URLSearchParams(location.search);
      query.set("order", target.value);
      go(`${location.pathname}?${query}`, { replace: true });
    });
  }

  /** library[/recordings|/species|/map], library/recordings/ID, library/add[/SOURCE] or library/ingestions/ID */
  async show(route) {
    const [place = "recordings", id] = route.path;
    this.work.abort();
    this.work = new AbortController();
    const { signal } = this.work;
    try {
      if (place === "recordings" && id) await this.#enter("one", () => this.recording.show(id, signal));
      else if (place === "ingestions" && id) await this.#enter("ingestion", () => this.ingestion.show(id, signal));
      else if (place === "add") await this.#enter("add", () => this.add.show(id, signal), text("addTitle"));
      else if (TABS.includes(place) && !id) await this.#enter("browse", () => this.#browse(place, route, signal), text("title"));
      else throw new Problem("no-such-view");
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  close() {
    this.closing.abort();
    this.work.abort();
    for (const part of [this.list, this.map, this.recording, this.add, this.ingestion]) part.close();
  }

  /** Shows a part once it knows what it shows; parts that are left are silent. */
  async #enter(part, load, name = "") {
    if (part !== "one") this.recording.close();
    title(name);
    const moved = this.part !== undefined && this.part !== part;
    for (const one of PARTS) $(one).hidden = one !== part;
    this.part = part;
    if (moved) scrollTo({ top: 0 });
    await load();
    if (moved) $(`${part}-title`).focus({ preventScroll: true });
  }

  async #browse(tab, { query }, signal) {
    const wanted = filtersIn(query);
    const tail = wanted.size ? `?${wanted}` : "";
    for (const [name, link] of this.tabs) {
      link.href = pathTo("library", ...(name === "recordings" ? [] : [name])) + tail;
      if (name === tab) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      $(name).hidden = name !== tab;
    }
    $("to-list").href = pathTo("library") + tail;
    this.filters.show({ query });
    const parts = { recordings: () => this.list.show("/recordings", wanted, signal), species: () => this.#statistics(query, signal), map: () => this.map.show(wanted, signal) };
    const [count] = await Promise.all([get(`/recordings/count?${wanted}`, { signal }), this.filters.offer(signal), parts[tab]()]);
    this.#count(count, wanted.size > 0, tab);
  }

  async #statistics(query, signal) {
    const species = await get(`/species?${filtersIn(query)}`, { signal });
    $("order").value = query.get("order") ?? "recordings";
    showStatistics({ body: $("statistics"), summary: $("statistics-summary") }, species, { order: $("order").value, query: filtersIn(query) });
  }

  #count({ recordings, seconds, signal_seconds: song }, narrowed, tab) {
    $("count").textContent = recordings ? text("count", number(recordings), duration(seconds), duration(song)) : "";
    $("empty").hidden = recordings > 0;
    if (!recordings) $(tab).hidden = true;
    $("empty-title").textContent = text(narrowed ? "noneTitle" : "emptyTitle");
    $("empty-lead").textContent = text(narrowed ? "noneLead" : "emptyLead");
  }
}

export async function open(_root, route) {
  const view = new Library();
  await loadNames({ english: true });
  await view.show(route);
  return view;
}
