/* A failure in plain words, what to do about it, and where one is asked for, the way to enter a key. */

import { useKey } from "./api.js";
import { button, inside, make } from "./dom.js";
import { shared } from "./strings.js";

function keyForm(onKey) {
  const field = make("input", "field");
  Object.assign(field, { id: "key", type: "password", autocomplete: "off", spellcheck: false, required: true });
  field.setAttribute("autocapitalize", "off");
  const label = make("label", "", shared("key"));
  label.htmlFor = "key";
  const form = make("form", "actions key-form", label, field, make("button", "button primary", shared("useKey")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(field.value.trim());
    dispatchEvent(new Event("key"));
    onKey();
  });
  return form;
}

/**
 * The element that tells of a Problem. `again()` is offered where the same once more may help, `onKey()` follows when a
 * key was entered; `actions` are further buttons.
 */
export function problemView(problem, { again, onKey, actions = [inside("/", shared("home"))] }) {
  const twig = make("img", "illustration");
  Object.assign(twig, { src: "/static/twig.svg", alt: "", width: 530, height: 420 });
  const title = make("h1", "", problem.message);
  Object.assign(title, { id: "problem-title", tabIndex: -1 });
  const retry = again && problem.again ? button("button primary", shared("retry"), again) : null;
  if (retry) retry.id = "retry";
  const words = make(
    "div",
    "problem-words",
    make("p", "overline", shared("problemOverline")),
    title,
    problem.detail ? make("p", "lead", problem.detail) : null,
    problem.hint ? make("p", "problem-hint", problem.hint) : null,
    problem.code.startsWith("key-") ? keyForm(onKey) : null,
    make("div", "actions", retry, ...actions),
    make("p", "fine", shared("problemCode", problem.code)),
  );
  words.setAttribute("role", "alert");
  const section = make("section", "problem", twig, words);
  section.setAttribute("aria-labelledby", title.id);
  return section;
}
