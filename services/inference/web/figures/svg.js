/* Drawings, element by element. */

/** An SVG element with attributes and children; null among these is left out. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A picture on a button, drawn on 24 by 24. */
export const icon = (...parts) => svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, ...parts);

/** Both faces of a button that plays and pauses; the `data-playing` of the button says which is shown. */
export const playIcon = () =>
  icon(svg("path", { class: "when-still", d: "M8 5.5v13l10.5-6.5z" }), svg("path", { class: "when-playing", d: "M7.5 5.5h3v13h-3zM13.5 5.5h3v13h-3z" }));
