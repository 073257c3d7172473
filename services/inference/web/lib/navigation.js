/* The way between the views: the present one is marked and in sight, and an edge fades where more is than fits. */

import { inside } from "./dom.js";
import { pathTo } from "./router.js";
import { shared } from "./strings.js";

function fade(nav) {
  const end = nav.scrollWidth - nav.clientWidth;
  nav.classList.toggle("more-before", nav.scrollLeft > 1);
  nav.classList.toggle("more-after", nav.scrollLeft < end - 1);
}

/** Fills it with links to these views; the function it gives marks one as the present view. */
export function navigation(nav, views) {
  const links = new Map(views.map((name) => [name, inside(pathTo(name), shared("views")[name])]));
  nav.append(...(links.size > 1 ? links.values() : []));
  let present = null;
  const show = () => {
    if (present) nav.scrollLeft = present.offsetLeft - (nav.clientWidth - present.offsetWidth) / 2;
    fade(nav);
  };
  nav.addEventListener("scroll", () => fade(nav), { passive: true });
  new ResizeObserver(show).observe(nav);
  return (view) => {
    present?.removeAttribute("aria-current");
    present = links.get(view) ?? null;
    present?.setAttribute("aria-current", "page");
    show();
  };
}
