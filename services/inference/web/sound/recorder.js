/* The microphone, from the click to a file. */

import { Problem } from "../lib/api.js";

export const ADVISED = 3; // seconds below which hardly any song fits
export const LONGEST = 300; // seconds after which it stops by itself

const kinds = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const refusals = { NotAllowedError: "microphone-denied", SecurityError: "microphone-denied", NotFoundError: "microphone-missing", OverconstrainedError: "microphone-missing" };

/** A stream of the microphone as it is: what browsers do for voices (noise suppression, gain) destroys bird song. */
async function microphone() {
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) throw new Problem("microphone-insecure");
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  } catch (error) {
    throw new Problem(refusals[error.name] ?? "microphone-busy");
  }
}

/** One recording in progress. `analyser` shows what comes in; `seconds` counts; stop() gives the File, cancel() nothing. */
export class Recording {
  static async start() {
    return new Recording(await microphone());
  }

  constructor(stream) {
    this.stream = stream;
    this.context = new AudioContext();
    this.analyser = new AnalyserNode(this.context, { fftSize: 1024, smoothingTimeConstant: 0, minDecibels: -120, maxDecibels: -20 });
    this.context.createMediaStreamSource(stream).connect(this.analyser);
    const mimeType = kinds.find((kind) => MediaRecorder.isTypeSupported(kind));
    this.recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: 128_000 });
    this.chunks = [];
    this.recorder.addEventListener("dataavailable", ({ data }) => this.chunks.push(data));
    this.ended = new Promise((resolve) => this.recorder.addEventListener("stop", resolve, { once: true }));
    this.recorder.start();
    this.since = performance.now();
  }

  get seconds() {
    return (performance.now() - this.since) / 1000;
  }

  async cancel() {
    if (this.recorder.state !== "inactive") this.recorder.stop();
    await this.ended;
    for (const track of this.stream.getTracks()) track.stop();
    await this.context.close();
  }

  /** The recording as a file; a Problem when not a single sound came. */
  async stop(name) {
    await this.cancel();
    const type = (this.recorder.mimeType || "audio/webm").split(";")[0];
    const file = new File(this.chunks, `${name}.${{ "audio/mp4": "m4a", "audio/ogg": "ogg" }[type] ?? "webm"}`, { type });
    if (!file.size) throw new Problem("recording-empty");
    return file;
  }
}
