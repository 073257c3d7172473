/* A file as sound: decoded by the browser, drawn by the worker, and made seekable where it is not. */

const RATE = 22_050; // what the classifier hears; also a quarter of the memory of 48 kHz stereo kept as it is
export const LONGEST = 15 * 60; // seconds: decoding takes 88 kB a second and channel
const LARGEST = 15e6; // bytes, where the length is not known

/** The length in seconds by the file's own header, NaN when the browser cannot say. */
export function lengthOf(url) {
  return new Promise((resolve) => {
    const audio = new Audio();
    audio.preload = "metadata";
    audio.addEventListener("loadedmetadata", () => resolve(Number.isFinite(audio.duration) ? audio.duration : NaN));
    audio.addEventListener("error", () => resolve(NaN));
    audio.src = url;
  });
}

/** Mono samples of a decoded buffer: the mean of its channels. */
function mono(buffer) {
  const samples = buffer.getChannelData(0).slice();
  for (let c = 1; c < buffer.numberOfChannels; c++) {
    const channel = buffer.getChannelData(c);
    for (let i = 0; i < samples.length; i++) samples[i] += channel[i];
  }
  if (buffer.numberOfChannels > 1) for (let i = 0; i < samples.length; i++) samples[i] /= buffer.numberOfChannels;
  return samples;
}

/** Float32 mono samples at RATE {samples, rate, seconds}. Rejects where the browser cannot decode it. */
export async function samplesOf(blob) {
  // An offline context resamples while decoding and needs no permission to sound.
  const buffer = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await blob.arrayBuffer());
  return { samples: mono(buffer), rate: RATE, seconds: buffer.duration };
}

/** The samples of a file, and whether it is `seekable`; or the reason there are none: "too-long" | "not-decodable". */
export async function decode(file, url) {
  const seconds = await lengthOf(url);
  if (seconds > LONGEST || (Number.isNaN(seconds) && file.size > LARGEST)) return { reason: "too-long" };
  try {
    return { ...(await samplesOf(file)), seekable: !Number.isNaN(seconds) };
  } catch {
    return { reason: "not-decodable" };
  }
}

/** The picture of those samples (see spectrum.js), made beside the page so that it stays responsive; null if that fails. Takes the samples away. */
export function draw({ samples, rate }, signal) {
  return new Promise((resolve) => {
    const worker = new Worker("/static/sound/spectrum-worker.js", { type: "module" });
    const end = (picture) => {
      worker.terminate();
      resolve(picture);
    };
    worker.addEventListener("message", ({ data }) => end(data));
    worker.addEventListener("error", () => end(null));
    signal?.addEventListener("abort", () => end(null));
    worker.postMessage({ samples, rate }, [samples.buffer]);
  });
}

/** A 16-bit WAV file of mono samples. Recordings of the browser know neither length nor index; this one can be played from anywhere. */
export function wav({ samples, rate }) {
  const bytes = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const word = (at, letters) => [...letters].forEach((l, i) => bytes.setUint8(at + i, l.charCodeAt(0)));
  word(0, "RIFF");
  bytes.setUint32(4, 36 + 2 * samples.length, true);
  word(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, rate * 2, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  word(36, "data");
  bytes.setUint32(40, 2 * samples.length, true);
  for (let i = 0; i < samples.length; i++) bytes.setInt16(44 + 2 * i, 32767 * Math.max(-1, Math.min(1, samples[i])), true);
  return new Blob([bytes], { type: "audio/wav" });
}
