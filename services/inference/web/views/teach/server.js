/* What is asked of the server: whom it doubts, what a person says of it, and what that came to. */

import { ask, get } from "../../lib/api.js";
import { toast } from "../../lib/notices.js";

const AT_ONCE = 20; // candidates
const LATELY = 8; // reviews

export const complain = (problem) => toast([problem.message, problem.detail, problem.hint].filter(Boolean).join(" "));

const asked = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value));

/** A page of candidates, the most doubtful first. `analysis` and `species` narrow it where they are given. */
export const candidates = ({ analysis, species, cursor }, signal) => get(`/reviews/candidates?${asked({ analysis, species, cursor, limit: AT_ONCE })}`, { signal });

export const candidate = (id, signal) => get(`/reviews/candidates/${encodeURIComponent(id)}`, { signal });

/** How much is reviewed: of an analysis or of all, and where it is given only `since` a moment. */
export const counts = ({ analysis, since }, signal) => get(`/reviews/counts?${asked({ analysis, since })}`, { signal });

export const lately = ({ analysis }, signal) => get(`/reviews?${asked({ analysis, limit: LATELY })}`, { signal });

/** Sends a review; it gets through even if the page is closed meanwhile, and counts once however often it is sent. */
export function send(review) {
  const key = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("-");
  return get("/reviews", { json: review, headers: { "Idempotency-Key": key }, keepalive: true });
}

/** Takes a review back. */
export const withdraw = (id) => ask(`/reviews/${encodeURIComponent(id)}`, { method: "DELETE", keepalive: true });
