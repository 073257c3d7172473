/* Elements without a line for each of their parts. Text is text here: nothing that a server sends is markup. */

/** An element with classes, texts or children; null among them is left out. */
export function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content.filter((part) => part !== null));
  return element;
}

/** That element with attributes. */
export function withAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** A button that does something. */
export function button(className, words, act) {
  const element = make("button", className, words);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

/** A link to a place that is not ours; it opens beside the page. */
export function outside(href, words) {
  const link = make("a", "", words);
  Object.assign(link, { href, target: "_blank", rel: "noopener noreferrer" });
  return link;
}

/** A link to a place in the page. */
export function inside(href, ...content) {
  const link = make("a", "", ...content);
  link.href = href;
  return link;
}
