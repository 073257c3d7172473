/* A model's figures, each with its interval as a picture. */

import { make } from "../../lib/dom.js";
import { share } from "../../lib/format.js";
import { language } from "../../lib/strings.js";
import { interval } from "../../figures/bars.js";
import { text } from "./words.js";

const SHOWN = ["macro_top1", "top1", "top5", "cmap", "auroc", "f1_macro", "ece"];
const AS_SHARE = new Set(["macro_top1", "top1", "top5", "share"]);
const decimals = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** A figure in words, with its interval where there is one. */
export function inWords({ value, low, high }, key) {
  const write = AS_SHARE.has(key) ? share : (one) => decimals.format(one);
  return typeof low === "number" ? text("withInterval", write(value), write(low), write(high)) : write(value);
}

/** The lines of a list, those that the model has. */
export function figures(metrics) {
  return SHOWN.filter((key) => metrics[key]).map((key) => {
    const [name, meaning] = text("figures")[key];
    return make("li", "", make("b", "", name), make("span", "figure-value", inWords(metrics[key], key)), interval(metrics[key], { tint: 2 }), make("span", "fine", meaning));
  });
}

/** The figure that stands for a model in a list. */
export function headline({ metrics }) {
  const metric = metrics.macro_top1;
  if (!metric) return make("span", "headline-figure hint", text("untested"));
  return make("span", "headline-figure", interval(metric, { tint: 2 }), make("span", "", inWords(metric, "macro_top1")));
}
