import { spectrum } from "./spectrum.js";

self.addEventListener("message", ({ data: { samples, rate } }) => {
  const picture = spectrum(samples, rate);
  self.postMessage(picture, [picture.shades.buffer]);
});
