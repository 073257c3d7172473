/* The two calls the page makes, the key they carry, and one shape for everything that can go wrong in them. */

import { problemText, text } from "./strings.js";

const LEAST_CONFIDENCE = 0.1; // the slider filters upwards from here
const RANKED = 10;

const KEY = "chiffchaff-key";

/** The API key that a person entered here once, or null. Where the browser keeps nothing, it lasts as long as the page. */
let key = null;
try {
  key = localStorage.getItem(KEY);
} catch {
  // storage is switched off
}

/** Keeps that key for this and later visits; forgets it where there is none. */
export function useKey(entered) {
  key = entered || null;
  try {
    if (key) localStorage.setItem(KEY, key);
    else localStorage.removeItem(KEY);
  } catch {
    // storage is switched off
  }
}

// A key that could stand in no header would make the browser refuse to send anything.
const credentials = () => (key && /^[\x21-\x7e]+$/.test(key) ? { Authorization: `Bearer ${key}` } : {});

/** What a person is told of a failure: message is the title, with detail, hint and a code. `again` says whether the same once more may help. */
export class Problem extends Error {
  constructor(code, { title, detail, hint, again = false } = {}) {
    const own = problemText(code);
    super(title ?? own.title);
    this.code = code;
    this.detail = detail ?? (title ? "" : own.detail);
    this.hint = hint ?? (title ? "" : own.hint);
    this.again = again;
  }
}

const byStatus = { 401: "key-needed", 403: "not-allowed", 413: "body-too-large", 429: "busy", 502: "not-ready", 503: "not-ready", 504: "not-ready" };
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
  if (status === 401) return new Problem(key ? "key-refused" : "key-needed"); // the server's hint is for programs
  const code = byStatus[status] ?? (status >= 500 ? "server-error" : "refused");
  const wait = /^\d+$/.test(retryAfter ?? "") ? text("retryAfter", Number(retryAfter)) : undefined;
  const again = worthAgain(status);
  if (typeof sent?.title !== "string") return new Problem(code, { hint: wait, again });
  const words = (value) => (typeof value === "string" ? value : "");
  return new Problem(words(sent.code) || code, {
    title: sent.title,
    detail: words(sent.detail),
    hint: words(sent.hint) || wait || "",
    again,
  });
}

const isAnswer = (a) => Array.isArray(a?.ranking) && Array.isArray(a?.detections) && Number.isFinite(a?.recording?.seconds);

/**
 * Classifies one file. `onSent` hears the share of it that is sent, 0..1. Rejects with a Problem, or with an AbortError
 * once `signal` is aborted. (XMLHttpRequest, because fetch cannot say how much of an upload is through.)
 */
export function classify(file, { onSent = () => {}, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/classify?min_confidence=${LEAST_CONFIDENCE}&top_k=${RANKED}`);
    request.setRequestHeader("Accept", "application/json");
    for (const [name, value] of Object.entries(credentials())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onSent(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      if (request.status !== 200) {
        const header = (name) => request.getResponseHeader(name);
        reject(problemFrom(request.status, header("Content-Type"), request.responseText, header("Retry-After")));
        return;
      }
      try {
        const answer = JSON.parse(request.responseText);
        if (isAnswer(answer)) return resolve(answer);
      } catch {
        // falls through: not JSON is as bad as the wrong JSON
      }
      reject(new Problem("answer-unreadable"));
    });
    request.addEventListener("error", () => reject(new Problem("unreachable", { again: true })));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    signal?.addEventListener("abort", () => request.abort());
    const form = new FormData();
    form.append("audio", file, file.name);
    request.send(form);
  });
}

/** The active model {name, version, ...}, null when none is active, undefined when the server does not say. */
export async function activeModel() {
  try {
    const answer = await fetch("/models", { headers: { Accept: "application/json", ...credentials() } });
    if (!answer.ok) return undefined;
    const { items, next } = await answer.json();
    return items.find((model) => model.active) ?? (next ? undefined : null);
  } catch {
    return undefined;
  }
}
