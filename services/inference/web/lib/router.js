/*
 * Which view is shown. `/` is Listen; `/page/NAME` and whatever follows is the view in the folder views/NAME:
 * view.html its markup, view.css its looks after those of the stylesheets that the markup links, en.js and de.js its words,
 * and view.js, which exports `text` and `open(root, route)` -> {show(route), close()}.
 * A route is {view, path, query}: /page/models/garden/3?sort=f1 is {view: "models", path: ["garden", "3"], query}.
 */

import { Problem } from "./api.js";
import { fill, shared } from "./strings.js";

const HOME = "listen";
const PREFIX = "/page/";

/** The path of a view's part: pathTo("models", "garden", 3) -> "/page/models/garden/3". */
export function pathTo(view, ...path) {
  if (view === HOME && !path.length) return "/";
  return PREFIX + [view, ...path].map(encodeURIComponent).join("/");
}

function routeOf({ pathname, searchParams }) {
  const [view = HOME, ...path] = pathname.startsWith(PREFIX)
    ? pathname.slice(PREFIX.length).split("/").filter(Boolean).map(decodeURIComponent)
    : [];
  return { view, path, query: searchParams };
}

const isOurs = ({ origin, pathname }) => origin === location.origin && (pathname === "/" || pathname.startsWith(PREFIX));

let router = null;

/** Goes to a path of the page; `replace` leaves no step back to where one was. */
export const go = (path, { replace = false } = {}) => router.go(new URL(path, location.href), replace);

/** The name of what is shown, in the browser's history and tabs. */
export function title(words) {
  document.title = words ? `${words} – ${shared("brand")}` : shared("brand");
}

const sheets = new Map(); // of the views, by address: {link, loaded, views}

/** Of the views' stylesheets only those of the view that is shown count. */
function dress(view) {
  for (const { link, views } of sheets.values()) if (link.sheet) link.sheet.disabled = !views.has(view);
}

/** Loads a stylesheet once for all views that have it; where it is new, in front of another one. */
function style(view, href, before = null) {
  if (!sheets.has(href)) sheets.set(href, { ...added(href, before), views: new Set() });
  const { views, loaded } = sheets.get(href);
  views.add(view);
  return loaded;
}

/** It counts once a view that has it is dressed. */
function added(href, before) {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  const loaded = new Promise((resolve, reject) => {
    link.addEventListener("load", () => {
      link.sheet.disabled = true;
      resolve();
    });
    link.addEventListener("error", () => {
      link.remove();
      sheets.delete(href);
      reject(new Problem("unreachable", { again: true }));
    });
  });
  document.head.insertBefore(link, before);
  return { link, loaded };
}

/** A view's markup, once the stylesheets that it links are there too, in front of the view's own. */
async function markup(view, address, own) {
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok) throw new Problem("unreachable", { again: true });
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  const linked = [...found.head.querySelectorAll("link[rel=stylesheet]")];
  await Promise.all(linked.map((link) => style(view, link.getAttribute("href"), sheets.get(own)?.link)));
  return found;
}

async function load(name) {
  const folder = `/static/views/${name}`;
  const own = `${folder}/view.css`;
  const parts = [style(name, own), markup(name, `${folder}/view.html`, own), import(`${folder}/view.js`)];
  const settled = await Promise.allSettled(parts);
  const failed = settled.find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
  const [, { value: document_ }, { value: module }] = settled;
  fill(document_, module.text);
  return { module, parts: [...document_.body.childNodes] };
}

/** A view that was just made, once it shows a route; one that cannot is closed, and the reason thrown. */
export async function opened(view, route) {
  try {
    await view.show(route);
  } catch (error) {
    view.close();
    throw error;
  }
  return view;
}

class Router {
  constructor(root, views, { onRoute, onProblem }) {
    Object.assign(this, { root, views, onRoute, onProblem, shown: null, name: null, opening: null, turn: 0 });
    addEventListener("popstate", () => this.show());
    addEventListener("click", (event) => this.#follow(event));
  }

  go(url, replace = false) {
    history[replace ? "replaceState" : "pushState"](null, "", url);
    return this.show();
  }

  /**
   * Shows what the address says. A view that is open already changes itself; another takes its place. One that is just
   * being opened hears in the end what the address says by then.
   */
  async show() {
    const route = routeOf(new URL(location.href));
    let turn = ++this.turn;
    let mine = null;
    this.onRoute(route);
    if (this.opening?.view === route.view) return;
    try {
      if (route.view === this.name) return await this.shown.show(route);
      if (!this.views.includes(route.view)) throw new Problem("no-such-view");
      const { module, parts } = await load(route.view);
      if (turn !== this.turn) return; // somebody has gone elsewhere meanwhile
      this.#leave();
      dress(route.view);
      this.root.replaceChildren(...parts);
      title("");
      scrollTo({ top: 0 });
      if (turn > 1) this.root.focus({ preventScroll: true }); // at the very first, the focus stays where a browser puts it
      mine = this.opening = { view: route.view };
      const shown = await module.open(this.root, route);
      if (this.opening !== mine) return shown.close(); // another view has taken its place meanwhile
      [this.shown, this.name, this.opening] = [shown, route.view, null];
      const now = routeOf(new URL(location.href));
      if (turn !== this.turn && now.view === route.view) {
        turn = this.turn;
        await shown.show(now);
      }
    } catch (error) {
      if (turn !== this.turn && !(mine && this.opening === mine)) return;
      this.#leave();
      const problem = error instanceof Problem ? error : new Problem("server-error", { again: true, cause: error });
      if (problem !== error) console.error(error);
      this.onProblem(problem, () => this.show());
    }
  }

  #leave() {
    this.shown?.close();
    [this.shown, this.name, this.opening] = [null, null, null];
  }

  /** A plain click on a link of ours is a step in the page, not a new page. */
  #follow(event) {
    const link = event.target.closest?.("a[href]");
    const special = event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (!link || special || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (!isOurs(url) || (url.hash && url.pathname === location.pathname)) return;
    event.preventDefault();
    this.go(url);
  }
}

/**
 * Starts with what the address says, among those views. `onRoute(route)` hears of each step, `onProblem(problem, again)` of a
 * view that cannot be shown.
 */
export function start(root, views, handlers) {
  router = new Router(root, views, handlers);
  return router.show();
}
