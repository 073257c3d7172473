/* Questions that have to be answered before anything happens. */

import { button, make } from "./dom.js";
import { shared } from "./strings.js";

/** Asks, and resolves to whether the answer was yes. Escape means no. */
export function confirmed({ title, detail, yes }) {
  return new Promise((resolve) => {
    const dialog = make("dialog", "dialog", make("h2", "", title), make("p", "", detail));
    dialog.setAttribute("aria-label", title);
    const answer = (value) => () => dialog.close(value);
    dialog.append(make("div", "actions", button("button primary", yes, answer("yes")), button("button", shared("cancel"), answer(""))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
