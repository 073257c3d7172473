/* The shell around the views: the way between them, the model that answers, the language, and what cannot be shown. */

import { activeModel } from "./lib/api.js";
import { button } from "./lib/dom.js";
import { navigation } from "./lib/navigation.js";
import { problemView } from "./lib/problem.js";
import { start, title } from "./lib/router.js";
import { fill, language, languages, shared, speak } from "./lib/strings.js";
import { views } from "./views/views.js";

const main = document.getElementById("main");
const find = (selector) => document.querySelector(selector);

fill(document, shared);
document.documentElement.lang = language;

const mark = navigation(find(".masthead nav"), views);

find(".languages").append(
  ...Object.entries(languages).map(([code, name]) => {
    const choice = button("link", name, () => speak(code));
    choice.lang = code;
    choice.setAttribute("aria-pressed", String(code === language));
    return choice;
  }),
);

/** In place of a view that cannot be shown. */
function onProblem(problem, again) {
  title(problem.message);
  main.replaceChildren(problemView(problem, { again, onKey: again }));
  main.querySelector("h1").focus();
}

async function showModel() {
  const model = await activeModel();
  if (model === undefined) return;
  find("#model").textContent = model ? shared("model", model.name, model.version) : shared("modelNone");
}
addEventListener("key", showModel); // somebody has entered one, in whichever view
addEventListener("model", showModel); // somebody lets another one answer

await start(main, views, { onRoute: ({ view }) => mark(view), onProblem });
document.documentElement.classList.add("ready");
showModel();
