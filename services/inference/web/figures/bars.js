/* Bars and intervals: a value between two ends, with how sure it is. Pictures for the eye; words stand beside them. */

import { make } from "../lib/dom.js";

const Z = 1.959964; // of a 95 % interval
const between = (low, value, high) => Math.max(low, Math.min(high, value));

/** A share of `total` with its interval by Wilson (1927), as the trainer has it for single species: {value, low, high}. */
export function wilson(hits, total) {
  const value = hits / total;
  const z2 = Z * Z;
  const middle = (value + z2 / (2 * total)) / (1 + z2 / total);
  const half = (Z * Math.sqrt((value * (1 - value)) / total + z2 / (4 * total * total))) / (1 + z2 / total);
  return { value, low: Math.max(0, Math.min(value, middle - half)), high: Math.min(1, Math.max(value, middle + half)) };
}

/** A bar whose parts, shares of the whole in their tints, lie one after the other. */
export function stacked(parts) {
  const bar = make(
    "span",
    "stack",
    ...parts.map(({ share, tint }) => {
      const part = make("span", "");
      part.style.width = `${100 * share}%`;
      if (tint !== undefined) part.dataset.tint = tint;
      return part;
    }),
  );
  bar.setAttribute("aria-hidden", "true");
  return bar;
}

/** A dot on a line from `from` to `to` with the interval around it; a mark at `zero` where that is given. */
export function interval({ value, low, high }, { from = 0, to = 1, zero = null, tint = "rest" } = {}) {
  const place = (x) => `${(100 * (between(from, x, to) - from)) / (to - from)}%`;
  const line = make("span", "interval");
  line.dataset.tint = tint;
  line.setAttribute("aria-hidden", "true");
  if (zero !== null) {
    const mark = line.appendChild(make("span", "interval-zero"));
    mark.style.left = place(zero);
  }
  if (typeof low === "number" && typeof high === "number") {
    const range = line.appendChild(make("span", "interval-range"));
    range.style.left = place(low);
    range.style.right = `calc(100% - ${place(high)})`;
  }
  const dot = line.appendChild(make("span", "interval-dot"));
  dot.style.left = place(value);
  return line;
}
