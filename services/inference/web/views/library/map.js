/* Where the recordings were made: the land of Natural Earth under circles, each a link to the recordings of its place. */

import { get } from "../../lib/api.js";
import { number } from "../../lib/format.js";
import { go, pathTo } from "../../lib/router.js";
import { filtersIn } from "./filters.js";
import { borders, land, UNITS } from "./land.js";
import { text } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const WORLD = { west: -180, east: 180, south: -60, north: 80 };
const APART = 64; // CSS pixels from one circle to the next
const LEAST_SPAN = 0.5; // degrees to which one can zoom in
const ROOM = 0.25; // of the span around what is shown
const STILL = 120; // milliseconds without a move after which the places are asked for
const between = (low, value, high) => Math.max(low, Math.min(high, value));

function draw(tag, attributes, ...content) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content);
  return element;
}

/** How a place is written: "48.1° N, 11.6° E". */
export const degrees = (latitude, longitude) =>
  `${number(Math.abs(latitude))}° ${text(latitude < 0 ? "south" : "north")}, ${number(Math.abs(longitude))}° ${text(longitude < 0 ? "west" : "east")}`;

/** The part of the world that holds these places, with room around them. */
function around(places) {
  if (!places.length) return WORLD;
  const edge = (side, name) => Math[side](...places.map((one) => one[name]));
  const [south, north, west, east] = [edge("min", "latitude"), edge("max", "latitude"), edge("min", "longitude"), edge("max", "longitude")];
  const room = Math.max(1, ROOM * Math.max(north - south, (east - west) / 2));
  return { west: west - 1.5 * room, east: east + 1.5 * room, south: south - room, north: north + room };
}

/** The union of two boxes, as the filter takes them. */
function together(one, other) {
  const [a, b] = [one, other].map((box) => box.split(",").map(Number));
  return a.map((edge, i) => Math[i < 2 ? "min" : "max"](edge, b[i])).join(",");
}

/** Places of which none covers another, the largest first: what is close to one that stands is counted to it. `project` gives pixels. */
function apart(places, project) {
  const standing = [];
  for (const place of places) {
    const [x, y] = project(place.latitude, place.longitude);
    const near = standing.find((one) => Math.hypot(one.x - x, one.y - y) < APART * 0.8);
    if (near) Object.assign(near, { recordings: near.recordings + place.recordings, box: together(near.box, place.box) });
    else standing.push({ ...place, x, y });
  }
  return standing;
}

export class Places {
  /** `none` is shown where no recording has a place; `onProblem` hears why places do not come. */
  constructor(svg, { zoomIn, zoomOut, whole, none, onProblem }) {
    Object.assign(this, { svg, zoomOut, none, onProblem });
    this.ground = svg.appendChild(
      draw("g", { class: "ground", "aria-hidden": "true" }, draw("path", { class: "land", d: land }), draw("path", { class: "borders", d: borders })),
    );
    this.circles = svg.appendChild(draw("g", {}));
    zoomIn.addEventListener("click", () => this.#zoom(0.5));
    zoomOut.addEventListener("click", () => this.#zoom(2));
    whole.addEventListener("click", () => this.#look(WORLD));
    svg.addEventListener("click", (event) => this.#follow(event));
    svg.addEventListener("pointerdown", (event) => this.#drag(event));
    svg.addEventListener("keydown", (event) => this.#press(event));
    this.watcher = new ResizeObserver(() => this.view && this.#look(this.view));
    this.watcher.observe(svg);
  }

  /** Shows the places of the recordings that the query names. Rejects with a Problem. */
  async show(query, signal) {
    Object.assign(this, { query: filtersIn(query), signal });
    const places = await this.#places(1);
    this.none.hidden = places.length > 0;
    this.#look(around(places));
  }

  close() {
    clearTimeout(this.timer);
    this.watcher.disconnect();
  }

  #places(cell, box) {
    const query = new URLSearchParams([...this.query, ["cell", cell]]);
    if (box && !query.has("box")) query.set("box", box);
    return get(`/recordings/places?${query}`, { signal: this.signal });
  }

  /** Moves the view so that it holds that part of the world, as much as its shape allows, and once it is still, asks for its places. */
  #look({ west, east, south, north }) {
    const { clientWidth: width, clientHeight: height } = this.svg;
    if (!width) return;
    const middle = { latitude: between(-75, (south + north) / 2, 80), longitude: (west + east) / 2 };
    const squeeze = Math.cos((between(-60, middle.latitude, 60) * Math.PI) / 180); // a degree of longitude is shorter than one of latitude
    const scale = between(width / 360 / squeeze, Math.min(width / ((east - west) * squeeze), height / (north - south)), height / LEAST_SPAN);
    const [half, tall] = [width / 2 / scale / squeeze, height / 2 / scale];
    this.view = { west: middle.longitude - half, east: middle.longitude + half, south: middle.latitude - tall, north: middle.latitude + tall };
    this.project = (latitude, longitude) => [(longitude - this.view.west) * scale * squeeze, (this.view.north - latitude) * scale];
    const [x, y] = this.project(0, 0);
    this.ground.setAttribute("transform", `translate(${x} ${y}) scale(${(scale * squeeze) / UNITS} ${scale / UNITS})`);
    this.zoomOut.disabled = half >= 179;
    this.#place();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(between(0.001, APART / scale, 90)), STILL);
  }

  async #ask(cell) {
    const { view, signal } = this;
    const [south, north] = [view.south, view.north].map((one) => between(-90, one, 90).toFixed(3));
    const [west, east] = [view.west, view.east].map((one) => between(-180, one, 180).toFixed(3));
    try {
      const places = await this.#places(cell.toFixed(3), `${south},${west},${north},${east}`);
      if (view === this.view) this.#mark(places);
    } catch (problem) {
      if (!signal.aborted) this.onProblem(problem);
    }
  }

  #mark(found) {
    const places = apart(found, this.project);
    const most = Math.max(...places.map((one) => one.recordings));
    this.places = places;
    this.circles.replaceChildren(
      ...places.map((place) => {
        const { latitude, longitude, box, recordings } = place;
        const radius = 9 + 17 * Math.sqrt(recordings / most);
        const label = text("circle", text("recordings", recordings), degrees(latitude, longitude));
        const query = new URLSearchParams(this.query);
        query.set("box", box);
        return draw(
          "a",
          { href: `${pathTo("library")}?${query}`, "aria-label": label },
          draw("title", {}, label),
          draw("circle", { r: radius }),
          draw("text", { "aria-hidden": "true", dy: "0.35em" }, recordings > 1 ? number(recordings) : ""),
        );
      }),
    );
    this.#place();
  }

  #place() {
    [...this.circles.children].forEach((circle, i) => {
      const [x, y] = this.project(this.places[i].latitude, this.places[i].longitude);
      circle.setAttribute("transform", `translate(${x} ${y})`);
    });
  }

  /** A link in a picture is no link to the router. */
  #follow(event) {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.getAttribute("href"));
  }

  #zoom(factor) {
    const { west, east, south, north } = this.view;
    const [x, y] = [((east - west) * (1 - factor)) / 2, ((north - south) * (1 - factor)) / 2];
    this.#look({ west: west + x, east: east - x, south: south + y, north: north - y });
  }

  /** By a share of what is in view: x to the east, y to the north. */
  #move(x, y) {
    const { west, east, south, north } = this.view;
    const [dx, dy] = [x * (east - west), y * (north - south)];
    this.#look({ west: west + dx, east: east + dx, south: south + dy, north: north + dy });
  }

  #drag(event) {
    if (event.button || event.target.closest("a")) return;
    this.svg.setPointerCapture(event.pointerId);
    let [x, y] = [event.clientX, event.clientY];
    const move = (now) => {
      this.#move((x - now.clientX) / this.svg.clientWidth, (now.clientY - y) / this.svg.clientHeight);
      [x, y] = [now.clientX, now.clientY];
    };
    this.svg.addEventListener("pointermove", move);
    for (const end of ["pointerup", "pointercancel"]) this.svg.addEventListener(end, () => this.svg.removeEventListener("pointermove", move), { once: true });
  }

  #press(event) {
    const act = {
      ArrowLeft: () => this.#move(-0.2, 0),
      ArrowRight: () => this.#move(0.2, 0),
      ArrowUp: () => this.#move(0, 0.2),
      ArrowDown: () => this.#move(0, -0.2),
      "+": () => this.#zoom(0.5),
      "-": () => this.#zoom(2),
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }
}
