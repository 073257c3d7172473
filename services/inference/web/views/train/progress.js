/* How a training stands: its curves, and its figures as a table. */

import { button, make } from "../../lib/dom.js";
import { number, share } from "../../lib/format.js";
import { language } from "../../lib/strings.js";
import { Curves } from "../../figures/curves.js";
import { text } from "./words.js";

const TINTS = 6;
const FINAL = "final";
const figure = new Intl.NumberFormat(language, { maximumFractionDigits: 3, minimumFractionDigits: 2 });
const $ = (id) => document.getElementById(id);

const keyOf = ({ fold }) => fold ?? FINAL;

/** The network of a fold, or the final one, in words. */
export const networkName = (fold, folds) => (fold === null ? text("finalNetwork") : text("foldNetwork", fold + 1, folds));

export class CurvesOfAll {
  constructor() {
    const epoch = (n) => text("epoch", n);
    this.accuracy = new Curves($("accuracy-curves"), { name: text("accuracyPicture"), format: share, top: 1, epoch, none: text("notTested") });
    this.loss = new Curves($("loss-curves"), { name: text("lossPicture"), format: number, exact: figure.format, epoch });
    this.clear();
  }

  clear() {
    [this.networks, this.chosen] = [new Map(), null];
  }

  /** One more epoch. What is told twice, after a connection was lost, is taken once. */
  add(progress) {
    const key = keyOf(progress);
    if (!this.networks.has(key)) this.networks.set(key, new Map());
    this.networks.get(key).set(progress.epoch, progress);
    this.last = progress;
  }

  show() {
    const keys = [...this.networks.keys()];
    const latest = this.chosen ?? keys.at(-1);
    const epochs = Math.max(1, ...[...this.networks.values()].flatMap((each) => [...each.values()].map((one) => one.epochs)));
    const lines = (field, more) =>
      keys.map((key) => ({
        points: [...this.networks.get(key).values()].filter((one) => Number.isFinite(one[field])).map((one) => [one.epoch, one[field]]),
        tint: key === FINAL ? "rest" : key % TINTS,
        faint: key !== latest,
        ...more,
      }));
    this.accuracy.show(lines("val_top1", { name: text("heldOut") }), epochs);
    this.loss.show([...lines("train_loss", { name: text("training"), dashed: true }), ...lines("val_loss", { name: text("heldOut") })], epochs);
    this.#offer(keys, latest);
    this.#table();
  }

  close() {
    this.accuracy.close();
    this.loss.close();
  }

  #offer(keys, latest) {
    const choices = keys.map((key) => {
      const [first] = this.networks.get(key).values();
      const choice = button("chip", networkName(first.fold, first.folds), () => {
        this.chosen = key;
        this.show();
      });
      choice.dataset.tint = key === FINAL ? "rest" : key % TINTS;
      choice.setAttribute("aria-pressed", String(key === latest));
      return choice;
    });
    $("curves-of").hidden = keys.length < 2;
    const focused = [...$("curves-of").children].indexOf(document.activeElement);
    $("curves-of").replaceChildren(...choices);
    choices[focused]?.focus();
  }

  #table() {
    const head = ["network", "epochWord", "lossTraining", "lossHeldOut", "accuracyShort", "seconds"].map((key) => {
      const cell = make("th", "", text(key));
      cell.scope = "col";
      return cell;
    });
    const written = (value, write) => (Number.isFinite(value) ? write(value) : "–");
    const rows = [...this.networks.values()].flatMap((each) =>
      [...each.values()].map((one) =>
        make(
          "tr",
          "",
          ...[
            networkName(one.fold, one.folds),
            String(one.epoch),
            written(one.train_loss, figure.format),
            written(one.val_loss, figure.format),
            written(one.val_top1, share),
            written(one.seconds, number),
          ].map((words) => make("td", "", words)),
        ),
      ),
    );
    $("figures-table").replaceChildren(make("thead", "", make("tr", "", ...head)), make("tbody", "", ...rows));
  }
}
