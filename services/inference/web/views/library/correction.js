/* What a person knows better than the source: the form that corrects a recording. */

import { get } from "../../lib/api.js";
import { nameOf } from "../../lib/species.js";
import { suggestSpecies } from "../../lib/suggest.js";
import { text } from "./words.js";

const NUMBERS = ["latitude", "longitude"];
const NULLED = ["species", "quality", "recorded_on", ...NUMBERS];

/** The fields as the form shows them. */
const shown = (recording) => ({
  species: recording.species ? nameOf(recording) : "",
  secondary: recording.secondary.map((species) => nameOf({ species })).join(", "),
  quality: recording.quality ?? "",
  licence: recording.licence_name,
  recordist: recording.recordist,
  country: recording.country,
  locality: recording.locality,
  latitude: recording.latitude ?? "",
  longitude: recording.longitude ?? "",
  recorded_on: recording.recorded_on ?? "",
  recorded_time: recording.recorded_time,
});

/** A field's text as the API takes it. */
function sent(name, value) {
  if (name === "secondary") return value.split(/[,;]/).map((one) => one.trim()).filter(Boolean);
  if (!value && NULLED.includes(name)) return null;
  return NUMBERS.includes(name) ? Number(value) : value;
}

export class Correction {
  /** `onCorrected(recording)` with the recording as it is now. */
  constructor(dialog, onCorrected) {
    Object.assign(this, { dialog, onCorrected, form: dialog.querySelector("form"), problem: dialog.querySelector(".form-problem") });
    suggestSpecies(this.form.elements.species, dialog.querySelector("#correction-species"));
    dialog.querySelector("[value=cancel]").addEventListener("click", () => dialog.close());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
  }

  open(recording) {
    Object.assign(this, { recording, before: shown(recording) });
    for (const [name, value] of Object.entries(this.before)) this.form.elements[name].value = value;
    this.problem.hidden = true;
    this.dialog.showModal();
  }

  async #save() {
    const changed = Object.entries(this.before).filter(([name, before]) => this.form.elements[name].value.trim() !== String(before));
    if (!changed.length) return this.dialog.close();
    const names = new Set(changed.map(([name]) => name));
    if (NUMBERS.some((name) => names.has(name))) NUMBERS.forEach((name) => names.add(name)); // half of a place is none
    const json = Object.fromEntries([...names].map((name) => [name, sent(name, this.form.elements[name].value.trim())]));
    try {
      const corrected = await get(`/recordings/${this.recording.id}`, { method: "PATCH", json });
      this.dialog.close();
      this.onCorrected(corrected);
    } catch (problem) {
      this.problem.textContent = [problem.message, problem.detail, problem.hint].filter(Boolean).join(" ") || text("refused");
      this.problem.hidden = false;
    }
  }
}
