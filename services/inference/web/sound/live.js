/* The sonagram while it is being sung. */

import { colours, fit } from "./paint.js";

/** The live picture while recording: each call adds what the analyser hears now at the right edge and moves the rest left. */
export class LivePicture {
  constructor(canvas, analyser) {
    this.canvas = canvas;
    this.analyser = analyser;
    this.heard = new Uint8Array(analyser.frequencyBinCount);
    this.bins = Math.min(this.heard.length, Math.round((11_025 / (analyser.context.sampleRate / 2)) * this.heard.length));
    this.floor = new Float32Array(this.bins); // the steady noise of each frequency, learnt as it goes
    this.learnt = 0; // moments it was learnt from
    this.last = 0;
    fit(canvas, canvas.clientWidth, canvas.clientHeight);
    this.context = canvas.getContext("2d");
    this.clear();
  }

  clear() {
    const { width, height } = this.canvas;
    const image = this.context.createImageData(width, height);
    new Uint32Array(image.data.buffer).fill(colours()[0]);
    this.context.putImageData(image, 0, 0);
  }

  /** Returns the loudest level of this moment, 0..255. `now` in milliseconds. */
  step(now) {
    const speed = (60 * this.canvas.width) / this.canvas.clientWidth / 1000; // device pixels a millisecond: 60 CSS pixels a second
    const columns = this.last ? Math.min(this.canvas.width - 1, Math.floor((now - this.last) * speed)) : 1;
    this.analyser.getByteFrequencyData(this.heard);
    const loudest = this.heard.subarray(0, this.bins).reduce((a, b) => Math.max(a, b), 0);
    if (columns < 1) return loudest;
    this.last = this.last ? this.last + columns / speed : now;
    if (loudest) this.learnt += 1; // the first moments of a microphone are empty
    const share = this.learnt && Math.max(0.02, 1 / this.learnt);
    for (let bin = 0; bin < this.bins; bin++) this.floor[bin] += share * (this.heard[bin] - this.floor[bin]);
    const { width, height } = this.canvas;
    this.context.drawImage(this.canvas, columns, 0, width - columns, height, 0, 0, width - columns, height);
    const image = this.context.createImageData(columns, height);
    const pixels = new Uint32Array(image.data.buffer);
    const ramp32 = colours();
    for (let y = 0; y < height; y++) {
      const bin = Math.floor(((height - 1 - y) / height) * this.bins);
      const above = 0.39 * (this.heard[bin] - this.floor[bin]) - 8; // dB over what is always there
      pixels.fill(ramp32[Math.round(Math.max(0, Math.min(255, 7 * above)))], y * columns, (y + 1) * columns);
    }
    this.context.putImageData(image, width - columns, 0);
    return loudest;
  }
}
