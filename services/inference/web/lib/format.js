/* Numbers, times and days as people of the page's language write them. */

import { language, shared } from "./strings.js";

const percentFormat = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
const numberFormat = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const momentFormat = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const dayFormat = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
const sinceFormat = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const listFormat = new Intl.ListFormat(language, { type: "disjunction" });
const spans = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86_400, "hour", 3600],
  [30 * 86_400, "day", 86_400],
];

/** 0.934 -> "93%". Never 0 or 100 %: no model is that sure. */
export const percent = (confidence) =>
  confidence < 0.01 ? `<${percentFormat.format(0.01)}` : percentFormat.format(Math.min(confidence, 0.99));

/** A part of a whole, 0..1: 0.5 -> "50%". */
export const share = (part) => percentFormat.format(part);

/** To one decimal: 4.25 -> "4.3". */
export const number = (value) => numberFormat.format(value);

/** A day and its time. */
export const moment = (date) => momentFormat.format(date);

/** A day, given as 2024-05-04. */
export const day = (iso) => dayFormat.format(new Date(`${iso}T00:00Z`));

/** How long ago a moment of the last 30 days was, "2 hours ago"; its date where it is older. */
export function since(date, now = Date.now()) {
  const seconds = Math.max(0, (now - date) / 1000);
  const [, unit, size] = spans.find(([below]) => seconds < below) ?? [];
  return unit ? sinceFormat.format(-Math.floor(seconds / size), unit) : moment(date);
}

/** ["a", "b", "c"] -> "a, b, or c". */
export const either = (names) => listFormat.format(names);

/** Bytes as people count them: "3.4 MB". */
export function bytes(count) {
  const [size, unit] = count < 1e6 ? [1e3, "kilobyte"] : count < 1e9 ? [1e6, "megabyte"] : [1e9, "gigabyte"];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: 1 }).format(count / size);
}

/** Seconds as a clock, to a tenth when asked: 65.25 -> "1:05" or "1:05.2". */
export function clock(seconds, tenths = false) {
  const whole = tenths ? Math.floor(seconds * 10 + 1e-6) / 10 : Math.floor(seconds + 1e-6);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = (tenths ? s.toFixed(1) : String(s)).padStart(tenths ? 4 : 2, "0");
  return h ? `${h}:${String(m).padStart(2, "0")}:${tail}` : `${m}:${tail}`;
}

/** A length for people: "12 s", "3 min 20 s", "1 h 5 min". */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 1) return `${number(seconds)} s`;
  if (whole < 60) return `${whole} s`;
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h) return m ? `${h} h ${m} min` : `${h} h`;
  return s ? `${m} min ${s} s` : `${m} min`;
}

/** "certain" | "likely" | "perhaps" | "unsure". */
export function confidenceLevel(confidence) {
  if (confidence >= 0.9) return "certain";
  if (confidence >= 0.65) return "likely";
  return confidence >= 0.35 ? "perhaps" : "unsure";
}

/** The confidence in a word or two. */
export const confidenceWord = (confidence) => shared("levels")[confidenceLevel(confidence)];
