/*
 * The result as files: made in the browser from the answer and from what the slider shows of it, or where it lies on the
 * server, in each format that the server writes (docs/result-formats.md).
 */

import { button, make } from "../../lib/dom.js";
import { saveBlob } from "../../lib/lists.js";
import { complain, resultsAs } from "./server.js";
import { text } from "./words.js";

const FORMATS = ["json", "jsonl", "csv", "parquet", "raven", "raven-combined", "audacity", "kaleidoscope", "checklist", "birdnet-csv"];
const TOP_HZ = 11_025; // what the model hears

/** A field of a CSV file (RFC 4180); what a spreadsheet would take for a formula is kept from it. */
function cell(value) {
  const words = String(value ?? "");
  const safe = /^[=+\-@\t\r]/.test(words) && typeof value === "string" ? `'${words}` : words;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const oneLine = (words) => words.replaceAll(/\s+/g, " ");

const table = (columns, rows) => [columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";

const tabs = (rows) => rows.map((row) => row.map((value) => oneLine(String(value))).join("\t") + "\n").join("");

/** The columns are those of the server's own CSV, as far as one recording has them. */
function csv({ file, detections }) {
  const columns = ["file", "start", "end", "species", "common_name", "confidence", "known", "expected_here"];
  return table(columns, detections.map((d) => [file, d.start, d.end, d.species, d.common_name, d.confidence, d.known, d.expected_here]));
}

/** A Raven selection table: a box is as high as what the model hears. */
function raven({ file, detections, rate }) {
  const head = ["Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)", "Begin File", "Species", "Common Name", "Confidence"];
  const top = Math.min(rate / 2, TOP_HZ).toFixed(1);
  const row = (d, i) => [i + 1, "Spectrogram 1", 1, d.start.toFixed(3), d.end.toFixed(3), "0.0", top, file, d.species, d.common_name, d.confidence];
  return tabs([head, ...detections.map(row)]);
}

/** A label track: File > Import > Labels in Audacity. */
function audacity({ detections }) {
  const name = (d) => (d.common_name ? `${d.species} (${d.common_name})` : d.species);
  return tabs(detections.map((d) => [d.start.toFixed(6), d.end.toFixed(6), `${name(d)} ${d.confidence.toFixed(2)}`]));
}

const kinds = {
  json: { suffix: ".json", type: "application/json", write: ({ answer }) => JSON.stringify(answer, null, 2) },
  csv: { suffix: ".csv", type: "text/csv", write: csv },
  raven: { suffix: ".selections.txt", type: "text/plain", write: raven },
  audacity: { suffix: ".labels.txt", type: "text/plain", write: audacity },
};

/** Names of files may have folders before them. */
const baseOf = (name) => name.split("/").at(-1);

async function attempt(act) {
  try {
    await act();
  } catch (problem) {
    complain(problem);
  }
}

const offer = (words, act) => make("li", "", button("link", words, act));

/**
 * Fills a list with what the browser makes; `result()` gives {answer, name, sound, detections}: the name of the recording's
 * file, sound() its content as a Blob, and the detections shown.
 */
export function offerDownloads(list, result) {
  const written = Object.entries(kinds).map(([kind, { suffix, type, write }]) =>
    offer(text("downloads")[kind], () => {
      const { answer, name, detections } = result();
      const content = write({ answer, file: name, detections, rate: answer.recording.sample_rate });
      saveBlob(new Blob([content], { type: `${type};charset=utf-8` }), baseOf(name).replace(/\.[^.]*$/, "") + suffix);
    }),
  );
  const recording = offer(text("downloads").recording, () => attempt(async () => saveBlob(await result().sound(), baseOf(result().name))));
  list.replaceChildren(...written, recording);
}

/** Fills a list with the formats of the server, of all recordings of the analysis that `id()` names. */
export function offerResults(list, id) {
  const written = FORMATS.map((format) =>
    offer(text("formats")[format], () =>
      attempt(async () => {
        const { blob, name } = await resultsAs(id(), format);
        saveBlob(blob, name);
      }),
    ),
  );
  list.replaceChildren(...written);
}
