/* Sonagrams as field guides print them: ink on paper by day, light on moss by night. */

const day = [[253, 250, 241], [226, 220, 186], [150, 158, 92], [77, 92, 44], [38, 34, 20]];
const night = [[27, 32, 21], [50, 60, 34], [104, 122, 58], [219, 190, 74], [255, 246, 214]];

/** 256 colours from paper to full ink, as 32-bit RGBA for an ImageData (little-endian, as every browser's machine is). */
function ramp(stops) {
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (stops.length - 1);
    const k = Math.min(stops.length - 2, Math.floor(place));
    const [r, g, b] = stops[k].map((from, c) => Math.round(from + (stops[k + 1][c] - from) * (place - k)));
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

const ramps = { day: ramp(day), night: ramp(night) };
export const darkness = matchMedia("(prefers-color-scheme: dark)");
export const colours = () => (darkness.matches ? ramps.night : ramps.day);

/** Paints the part of a picture between two times (seconds) over a whole ImageData; past its end is paper. */
export function paintInto(image, picture, from, to) {
  const { width, height } = image;
  const { shades, columns, bins, secondsPerColumn } = picture;
  const pixels = new Uint32Array(image.data.buffer);
  const ramp32 = colours();
  const perPixel = (to - from) / secondsPerColumn / width;
  const rows = Float32Array.from({ length: height }, (_, y) => Math.max(0, ((height - 1 - y) / height) * (bins - 1)));
  const line = new Float32Array(bins);
  for (let x = 0; x < width; x++) {
    const at = from / secondsPerColumn + x * perPixel;
    if (at >= columns) {
      for (let y = 0; y < height; y++) pixels[y * width + x] = ramp32[0];
      continue;
    }
    if (perPixel > 1) {
      // Several columns in one pixel: the strongest counts, or short calls would vanish when zoomed out.
      line.fill(0);
      for (let c = Math.floor(at); c < Math.min(columns, at + perPixel); c++) {
        for (let bin = 0; bin < bins; bin++) line[bin] = Math.max(line[bin], shades[c * bins + bin]);
      }
    } else {
      const c = Math.floor(at);
      const next = Math.min(columns - 1, c + 1);
      const share = at - c;
      for (let bin = 0; bin < bins; bin++) line[bin] = shades[c * bins + bin] * (1 - share) + shades[next * bins + bin] * share;
    }
    for (let y = 0; y < height; y++) {
      const bin = Math.floor(rows[y]);
      const share = rows[y] - bin;
      pixels[y * width + x] = ramp32[Math.round(line[bin] * (1 - share) + (line[bin + 1] ?? line[bin]) * share)];
    }
  }
}

/** A canvas sized to its box in device pixels. True when that changed its size (and so emptied it). */
export function fit(canvas, width, height) {
  const scale = Math.min(2, window.devicePixelRatio || 1);
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas.width === w && canvas.height === h) return false;
  [canvas.width, canvas.height] = [w, h];
  return true;
}
