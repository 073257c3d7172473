/* Where and when the recordings were made, as far as a person says so. Kept for the visit, not beyond. */

import { toast } from "../../lib/notices.js";
import { text } from "./words.js";

const today = () => {
  const now = new Date();
  return new Date(now - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
};

/** Wires the form; the function it gives says {latitude, longitude, date} for `POST /classify`, without what is not known. */
export function wherever(root) {
  const form = root.querySelector("form");
  const { latitude, longitude, date } = form.elements;
  date.max = today();
  root.querySelector("button").addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        [latitude.value, longitude.value] = [coords.latitude.toFixed(2), coords.longitude.toFixed(2)];
        date.value = today();
      },
      () => toast(text("hereFailed")),
    );
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  return () => {
    const place = latitude.value && longitude.value && latitude.validity.valid && longitude.validity.valid;
    return {
      ...(place ? { latitude: latitude.value, longitude: longitude.value } : {}),
      ...(date.value && date.validity.valid ? { date: date.value } : {}),
    };
  };
}
