/* Analyses on the server (docs/analyses.md): where they are, and the sound they heard. */

import { ask } from "./api.js";

/** The address of an analysis in the API, or of one of its recordings. */
export const analysisPath = (id, position) => `/analyses/${encodeURIComponent(id)}` + (position === undefined ? "" : `/recordings/${encodeURIComponent(position)}`);

/** Some seconds of a recording, as a Blob that every browser can decode. */
export async function cut(id, position, start, end, signal) {
  const stretch = new URLSearchParams({ start, end, format: "flac" });
  return (await ask(`${analysisPath(id, position)}/snippet?${stretch}`, { headers: { Accept: "*/*" }, signal })).blob();
}
