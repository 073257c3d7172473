/* The short-time Fourier transform behind the picture. Pure numbers; runs in the worker. */

const SIZE = 512; // samples in a window: 23 ms at 22,050 Hz
const MAX_COLUMNS = 60_000; // 15 MB of picture; 15 minutes at 66 columns a second
const MIN_HOP = 96; // 4.4 ms: finer shows nothing more in windows of 23 ms

/** In-place complex FFT of a power-of-two length, radix 2, with its tables made once. */
function fftOf(size) {
  const cos = new Float64Array(size / 2);
  const sin = new Float64Array(size / 2);
  for (let i = 0; i < size / 2; i++) {
    cos[i] = Math.cos((2 * Math.PI * i) / size);
    sin[i] = Math.sin((2 * Math.PI * i) / size);
  }
  const reversed = new Uint32Array(size);
  for (let i = 0, j = 0; i < size; i++) {
    reversed[i] = j;
    let bit = size >> 1;
    for (; bit && j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
  }
  return (re, im) => {
    for (let i = 0; i < size; i++) {
      const j = reversed[i];
      if (j > i) {
        [re[i], re[j]] = [re[j], re[i]];
        [im[i], im[j]] = [im[j], im[i]];
      }
    }
    for (let span = 1; span < size; span *= 2) {
      const stride = size / (2 * span);
      for (let start = 0; start < size; start += 2 * span) {
        for (let k = 0; k < span; k++) {
          const a = start + k;
          const b = a + span;
          const [c, s] = [cos[k * stride], sin[k * stride]];
          const tr = re[b] * c + im[b] * s;
          const ti = im[b] * c - re[b] * s;
          re[b] = re[a] - tr;
          im[b] = im[a] - ti;
          re[a] += tr;
          im[a] += ti;
        }
      }
    }
  };
}

/** Power in dB of each column, (columns * bins,), column after column, lowest frequency first. */
export function decibels(samples, hop) {
  const bins = SIZE / 2;
  const columns = Math.max(1, Math.ceil(samples.length / hop));
  const hann = Float64Array.from({ length: SIZE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE));
  const fft = fftOf(SIZE);
  const [re, im] = [new Float64Array(SIZE), new Float64Array(SIZE)];
  const levels = new Float32Array(columns * bins);
  // Windows stay inside the recording: an edge in the middle of one would look like a click.
  const startOf = (column) => Math.max(0, Math.min(samples.length - SIZE, column * hop - SIZE / 2));
  // Two real columns ride in one complex transform: one as its real part, one as its imaginary part.
  for (let column = 0; column < columns; column += 2) {
    const [first, second] = [startOf(column), startOf(column + 1)];
    for (let i = 0; i < SIZE; i++) {
      re[i] = (samples[first + i] ?? 0) * hann[i];
      im[i] = (samples[second + i] ?? 0) * hann[i];
    }
    fft(re, im);
    for (let bin = 0; bin < bins; bin++) {
      const mirror = (SIZE - bin) % SIZE;
      const a = (re[bin] + re[mirror]) ** 2 + (im[bin] - im[mirror]) ** 2;
      const b = (im[bin] + im[mirror]) ** 2 + (re[mirror] - re[bin]) ** 2;
      levels[column * bins + bin] = 10 * Math.log10(a + 1e-9);
      if (column + 1 < columns) levels[(column + 1) * bins + bin] = 10 * Math.log10(b + 1e-9);
    }
  }
  return { levels, columns, bins };
}

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/**
 * Ink, 0..255 per column and bin. The steady noise of each frequency (its median over time) is paper,
 * so that wind and hum fade and the song stands out; the loudest thousandth is full ink.
 */
export function ink({ levels, columns, bins }) {
  const step = Math.max(1, Math.floor(columns / 2000));
  const floors = new Float32Array(bins);
  const row = new Float32Array(Math.ceil(columns / step));
  for (let bin = 0; bin < bins; bin++) {
    for (let i = 0; i < row.length; i++) row[i] = levels[i * step * bins + bin];
    floors[bin] = quantile(Float32Array.from(row).sort(), 0.5);
  }
  const sample = new Float32Array(row.length * bins);
  for (let i = 0; i < row.length; i++) {
    for (let bin = 0; bin < bins; bin++) sample[i * bins + bin] = levels[i * step * bins + bin] - floors[bin];
  }
  sample.sort();
  const low = 3; // dB above the noise where ink begins
  const high = Math.max(low + 24, quantile(sample, 0.999));
  const shades = new Uint8ClampedArray(columns * bins);
  for (let i = 0; i < shades.length; i++) shades[i] = (255 * (levels[i] - floors[i % bins] - low)) / (high - low);
  return shades;
}

/** The picture of mono samples: {shades, columns, bins, secondsPerColumn, topHz}. */
export function spectrum(samples, rate) {
  const hop = Math.max(MIN_HOP, Math.ceil(samples.length / MAX_COLUMNS));
  const power = decibels(samples, hop);
  return { shades: ink(power), columns: power.columns, bins: power.bins, secondsPerColumn: hop / rate, topHz: rate / 2 };
}
