/* The results that this browser keeps, on the first view: to open again, and to forget. */

import { confirmed } from "../../lib/dialog.js";
import { make } from "../../lib/dom.js";
import { since } from "../../lib/format.js";
import { toast } from "../../lib/notices.js";
import { pathTo } from "../../lib/router.js";
import { forget, lately } from "./kept.js";
import { resultRow, summary } from "./result.js";
import { text } from "./words.js";

const SHOWN = 5;
const $ = (id) => document.getElementById(id);

export async function listLately() {
  const results = await lately();
  $("lately").hidden = !results.length;
  const row = ({ id, at, name, answer }) =>
    resultRow({ href: pathTo("listen", id), name, about: [...summary(answer), make("time", "hint", since(at))], answer });
  $("lately-list").replaceChildren(...results.slice(0, SHOWN).map(row));
}

/** Asks, and forgets all of them. */
export async function forgetLately() {
  const yes = await confirmed({ title: text("forgetTitle"), detail: text("forgetDetail"), yes: text("latelyForget") });
  if (!yes) return;
  await forget();
  await listLately();
  $("welcome-title").focus();
  toast(text("forgotten"));
}
