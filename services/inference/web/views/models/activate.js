/* Letting another model answer. */

import { ask } from "../../lib/api.js";
import { confirmed } from "../../lib/dialog.js";
import { toast } from "../../lib/notices.js";
import { modelName } from "./names.js";
import { text } from "./words.js";

/** Asks, and lets it answer; resolves to whether it does now. Rejects with a Problem. */
export async function activate(model, question = "activateTitle") {
  const name = modelName(model);
  const yes = await confirmed({ title: text(question, name), detail: text("activateDetail"), yes: text("activate") });
  if (!yes) return false;
  await ask("/models/active", { json: { name: model.name, version: model.version }, method: "PUT" });
  toast(text("activated", name));
  dispatchEvent(new Event("model")); // the foot of the page says which one answers
  return true;
}
