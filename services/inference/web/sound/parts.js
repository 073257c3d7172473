/* What every stage is made of: the plate with its time line, and the controls under it. */

import { make, withAttributes } from "../lib/dom.js";
import { shared } from "../lib/strings.js";
import { icon, playIcon, svg } from "../figures/svg.js";
import { frequencyAxis } from "./timeline.js";

const LOOP = "M7 7h8.5a4 4 0 0 1 4 4v.5M17 17H8.5a4 4 0 0 1-4-4v-.5M9.5 4 6.5 7l3 3M14.5 14l3 3-3 3";

const unseen = (element) => Object.assign(element, { hidden: true });
const silent = (element) => withAttributes(element, { "aria-hidden": "true" });
const control = (id, className, content, attributes = {}) =>
  withAttributes(Object.assign(make("button", `button round${className}`, content), { id, type: "button" }), attributes);

function timeline() {
  const seek = withAttributes(make("div", "seek"), { role: "slider", tabindex: 0, "aria-valuemin": 0 });
  const boxes = withAttributes(make("div", "boxes"), { role: "group" });
  const track = make("div", "track", silent(make("canvas", "")), seek, boxes, silent(unseen(make("div", "drawn"))), unseen(make("div", "cursor")));
  const scroller = withAttributes(make("div", "scroller", track), { tabindex: -1 });
  return Object.assign(make("div", "timeline", scroller, unseen(make("p", "note")), silent(unseen(make("p", "tip")))), { id: "timeline" });
}

/** Puts them into the plate and the controls of a view, in front of the controls that are its own. */
export function furnish(plate, controls) {
  const axis = silent(make("div", "axis"));
  frequencyAxis(axis);
  plate.prepend(axis);
  plate.append(timeline(), Object.assign(make("figcaption", ""), { id: "caption" }));
  const zoom = make("div", "zoom", control("zoom-out", " small", "−", { "aria-label": shared("zoomOut") }), control("zoom-in", " small", "+", { "aria-label": shared("zoomIn") }));
  controls.prepend(
    control("play", "", playIcon()),
    control("loop", "", icon(svg("path", { d: LOOP })), { "aria-label": shared("loop"), "aria-pressed": "false" }),
    withAttributes(make("output", "time"), { id: "time", "aria-live": "off" }),
    withAttributes(zoom, { role: "group", "aria-label": shared("zoom") }),
  );
}
