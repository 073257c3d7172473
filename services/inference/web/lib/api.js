/* The API as the page calls it: the key that requests carry, and one shape for everything that can go wrong. */

import { number } from "./format.js";
import { remember, remembered } from "./storage.js";
import { language, shared } from "./strings.js";

const LEAST_CONFIDENCE = 0.1; // the slider filters upwards from here
const RANKED = 10;
const KEY = "key";

/** Keeps the API key that a person entered for this and later visits; forgets it where there is none. */
export const useKey = (entered) => remember(KEY, entered || null);

/** The header that carries it. A key that could stand in no header would make the browser refuse to send anything. */
function credentials() {
  const key = remembered(KEY);
  return key && /^[\x21-\x7e]+$/.test(key) ? { Authorization: `Bearer ${key}` } : {};
}

/** What a person is told of a failure: message is the title, with detail, hint and a code. `again` says whether the same once more may help. */
export class Problem extends Error {
  constructor(code, { title, detail, hint, again = false, cause } = {}) {
    const own = shared("problems")[code] ?? shared("problems")["server-error"];
    super(title ?? own.title, { cause });
    this.code = code;
    this.detail = detail ?? (title ? "" : own.detail);
    this.hint = hint ?? (title ? "" : own.hint);
    this.again = again;
  }
}

/** What the page says of a failure that the server calls `code` and describes in English: {title, detail, hint}; null where that does as it is. */
export function ownWords(code, said) {
  const own = language === "en" ? null : shared("problems")[code];
  return own ? { ...own, detail: own.detail ?? said } : null;
}

const byStatus = { 401: "key-needed", 403: "forbidden", 413: "body-too-large", 429: "busy", 502: "not-ready", 503: "not-ready", 504: "not-ready" };
const worthAgain = (status) => status === 408 || status === 429 || status >= 500;

/** The Problem in an answer: the server's own problem document (RFC 9457) where it sent one, else what the status means. */
export function problemFrom(status, contentType, body, retryAfter) {
  let sent = null;
  if (/^application\/(problem\+)?json/.test(contentType ?? "")) {
    try {
      sent = JSON.parse(body);
    } catch {
      sent = null;
    }
  }
  if (status === 401) return new Problem(remembered(KEY) ? "key-refused" : "key-needed"); // the server's hint is for programs
  const code = byStatus[status] ?? (status >= 500 ? "server-error" : "refused");
  const wait = /^\d+$/.test(retryAfter ?? "") ? shared("retryAfter", number(retryAfter)) : undefined;
  const again = worthAgain(status);
  if (typeof sent?.title !== "string") return new Problem(code, { hint: wait, again });
  const words = (value) => (typeof value === "string" ? value : "");
  const own = ownWords(sent.code, words(sent.detail));
  if (own) return new Problem(sent.code, { ...own, hint: wait ?? own.hint, again });
  return new Problem(words(sent.code) || code, {
    title: sent.title,
    detail: words(sent.detail),
    hint: words(sent.hint) || wait || "",
    again,
  });
}

const headersOf = (headers) => ({ Accept: "application/json", ...credentials(), ...headers });

/** The Response to a request, or a Problem; where it is aborted, an AbortError. `json` is sent as the body. */
export async function ask(path, { json, headers, ...options } = {}) {
  const sent = json === undefined ? {} : { method: "POST", body: JSON.stringify(json) };
  const type = json === undefined ? {} : { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, { ...sent, ...options, headers: headersOf({ ...type, ...headers }) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("unreachable", { again: true, cause: error });
  }
  if (answer.ok) return answer;
  const header = (name) => answer.headers.get(name);
  throw problemFrom(answer.status, header("Content-Type"), await answer.text(), header("Retry-After"));
}

/** What a path answers, as an object. */
export async function get(path, options) {
  const answer = await ask(path, options);
  try {
    return await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("answer-unreadable", { cause: error });
  }
}

const isAnswer = (a) => Array.isArray(a?.ranking) && Array.isArray(a?.detections) && Number.isFinite(a?.recording?.seconds);

/**
 * Sends a file with text fields, as a form, and gives what the server answers. `onSent` hears the share of it that is
 * sent, 0..1. Rejects with a Problem, or with an AbortError once `signal` is aborted. (XMLHttpRequest, because fetch cannot
 * say how much of an upload is through.)
 */
export function upload(path, file, { fields = {}, onSent = () => {}, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    for (const [name, value] of Object.entries(headersOf())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onSent(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      if (request.status < 200 || request.status > 299) {
        const header = (name) => request.getResponseHeader(name);
        reject(problemFrom(request.status, header("Content-Type"), request.responseText, header("Retry-After")));
        return;
      }
      try {
        resolve(JSON.parse(request.responseText));
      } catch (error) {
        reject(new Problem("answer-unreadable", { cause: error }));
      }
    });
    request.addEventListener("error", () => reject(new Problem("unreachable", { again: true })));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    signal?.addEventListener("abort", () => request.abort());
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("audio", file, file.name);
    request.send(form);
  });
}

const asked = (parameters) => new URLSearchParams({ min_confidence: LEAST_CONFIDENCE, top_k: RANKED, ...parameters });

/** Classifies one file, recorded `where` {latitude, longitude, date} as far as that is known; the rest as `upload`. */
export async function classify(file, { where = {}, ...how } = {}) {
  const answer = await upload(`/classify?${asked(where)}`, file, how);
  if (!isAnswer(answer)) throw new Problem("answer-unreadable");
  return answer;
}

/** Has the server hear and keep one file, with parameters as of `POST /classify`: the analysis, as it was accepted. */
export const analyse = (file, { parameters = {}, ...how } = {}) => upload(`/analyses?${asked(parameters)}`, file, how);

/**
 * An address that an audio element can play, until `signal` is aborted. It can send no key: without one it asks for the
 * parts that it needs, with one the whole is fetched before.
 */
export async function playable(path, { signal }) {
  if (!Object.keys(credentials()).length) return path;
  const whole = await ask(path, { headers: { Accept: "*/*" }, signal });
  const url = URL.createObjectURL(await whole.blob());
  signal.addEventListener("abort", () => URL.revokeObjectURL(url));
  return url;
}

/** Some seconds of the recording at a path, as a Blob that every browser can decode. */
export async function cut(path, start, end, signal) {
  const stretch = new URLSearchParams({ start, end, format: "flac" });
  return (await ask(`${path}/snippet?${stretch}`, { headers: { Accept: "*/*" }, signal })).blob();
}

/** The active model {name, version, ...}, null when none is active, undefined when the server does not say. */
export async function activeModel() {
  try {
    const { items, next } = await get("/models");
    return items.find((model) => model.active) ?? (next ? undefined : null);
  } catch {
    return undefined;
  }
}

/** The names of species in a language, by their scientific names; none where the server does not say. */
export async function speciesNames(language) {
  try {
    return await get(`/species/names?language=${language}`);
  } catch {
    return {};
  }
}

/** The picture of a species {author, licence, licence_url, source_url, url} with `url` for an img; null where there is none. */
export async function pictureOf(species, { signal } = {}) {
  try {
    const path = `/species/${encodeURIComponent(species)}/picture`;
    const { picture } = await get(path, { signal });
    if (!picture) return null;
    const image = await ask(`${path}/file`, { headers: { Accept: "image/*" }, signal });
    return { ...picture, url: URL.createObjectURL(await image.blob()) };
  } catch {
    return null; // it is an ornament: a result does not depend on it
  }
}
