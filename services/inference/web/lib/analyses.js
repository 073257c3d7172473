/* Analyses on the server (docs/analyses.md): where they are, and the sound they heard. */

import { cut as cutOf } from "./api.js";

/** The address of an analysis in the API, or of one of its recordings. */
export const analysisPath = (id, position) => `/analyses/${encodeURIComponent(id)}` + (position === undefined ? "" : `/recordings/${encodeURIComponent(position)}`);

/** Some seconds of one of its recordings, as a Blob that every browser can decode. */
export const cut = (id, position, start, end, signal) => cutOf(analysisPath(id, position), start, end, signal);
