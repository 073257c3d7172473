/* Every word the page says. Another language is another object with the same keys. */

const en = {
  brand: "Chiffchaff",
  skip: "Skip to the content",
  navigation: "Site",
  api: "API",
  apiLong: "Use it from your own program: the API",

  welcomeTitle: "A bird is singing. Who is it?",
  welcomeLead: "Record a few seconds of song or bring a recording of your own, and see who was heard, and when.",
  record: "Who’s chirping?",
  or: "or",
  choose: "choose a file",
  orDrop: "or drop one anywhere on this page",
  privacy: "The microphone listens only while you record. Your recording goes to this server and to no one else.",
  birdAlt: "A chiffchaff singing on a twig of flowering willow",

  stage: "The recording",
  recording: "Listening",
  stop: "Stop and tell me",
  cancel: "Cancel",
  hintStart: "Hold still and point the microphone at the bird.",
  hintEnough: "That is enough to try. Longer is better.",
  hintQuiet: "Nothing arrives here at all. Is the microphone muted?",
  hintLast: (seconds) => `Stopping by itself in ${seconds} s.`,
  micWaiting: "Waiting for your permission to use the microphone.",
  saidRecording: "Recording. Three seconds at least.",
  saidEnough: "Three seconds recorded; you can stop now.",

  analysingOverline: "One moment",
  sending: (percent) => `Sending the recording: ${percent}`,
  analysing: "Listening to your recording …",
  progress: "Progress",
  ownRecording: "your recording",
  oneAtATime: "One recording at a time: this is the first of those you dropped.",

  soundsLike: "Sounds like",
  alsoOne: (name) => `It could also be ${name}.`,
  alsoMany: (names, last) => `It could also be ${names} or ${last}.`,
  words: { certain: "almost certain", likely: "likely", perhaps: "perhaps", unsure: "unsure" },
  hearMore: "Hear and read more:",
  wikipedia: "Wikipedia",
  xenoCanto: "Xeno-canto",
  nobodyTitle: "No bird heard",
  nobodyLead: "Perhaps it was too far away, or had just stopped to listen to you. Go a little closer and try once more, or move the slider to see fainter guesses.",
  resultReady: (name, word) => `Sounds like ${name}, ${word}.`,

  figure: (name, seconds) => `Sonagram of ${name}, ${seconds}`,
  figurePlain: (name, seconds) => `${name}, ${seconds}`,
  position: "Position in the recording",
  positionValue: (now, all) => `${now} of ${all}`,
  boxes: "Detections; arrow keys move between them, Enter plays",
  boxLabel: (name, percent, from, to) => `${name} ${percent}, from ${from} to ${to}, play`,
  play: "Play",
  pause: "Pause",
  cannotPlay: "This browser cannot play this kind of file",
  cannotDraw: "No spectrogram: this browser cannot open this kind of file. The result does not depend on it.",
  tooLongToDraw: "No spectrogram: this recording is too long to draw here. The result does not depend on it.",
  zoom: "Zoom",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  threshold: "Show detections from",
  thresholdWords: (percent, word) => `${percent} (${word})`,
  shown: (n) => (n === 1 ? "1 detection shown." : `${n} detections shown.`),

  warningsTitle: "About this recording",
  rankingTitle: "Who it could be",
  rankingMore: (n) => `Show all ${n}`,
  rankingLess: "Show fewer",
  knowsOnly: "The model knows only the species it was taught. Any other bird gets the name of the nearest one it knows.",
  heardTitle: "Heard when",
  heardNone: "Nothing at this confidence. Move the slider to the left to see fainter guesses.",
  heardMore: (n) => `Show all ${n}`,

  model: (name, version) => `Model ${name}, version ${version}`,
  modelNone: "No model is active on this server yet.",

  problemOverline: "That did not work",
  problemCode: (code) => `Code for a report: ${code}`,
  retry: "Try again",
  key: "Key",
  useKey: "Use this key",
  recordAgain: "Record again",
  chooseAgain: "Choose a file",
  dropHere: "Drop it here",
  retryAfter: (seconds) => `Try again in ${seconds} s.`,

  /* What the page itself can say of a failure, by code; the server's problem documents speak for themselves. */
  problems: {
    unreachable: {
      title: "The server does not answer",
      detail: "Your recording could not be sent.",
      hint: "See whether you are online and whether Chiffchaff is running, then try again. A very large file may also have been refused.",
    },
    "answer-unreadable": {
      title: "The answer makes no sense",
      detail: "The server answered, but not in a way this page understands.",
      hint: "Reload the page. If that changes nothing, tell whoever runs this server.",
    },
    "body-too-large": {
      title: "That file is too large",
      detail: "The server does not take a recording of this size.",
      hint: "Cut out the part with the bird, or save it as MP3, FLAC or Ogg.",
    },
    "not-a-file": {
      title: "That is not a file",
      detail: "What you dropped holds no recording.",
      hint: "Drop an audio file: WAV, MP3, FLAC, Ogg, M4A or WebM.",
    },
    "empty-file": {
      title: "That file is empty",
      detail: "It holds not a single byte.",
      hint: "Choose another recording.",
    },
    busy: {
      title: "Many birds at once",
      detail: "The server has more recordings than it can listen to at the moment.",
      hint: "Try again in a moment.",
    },
    "not-ready": {
      title: "Not quite awake",
      detail: "The server runs, but cannot classify at the moment.",
      hint: "Try again in a moment.",
    },
    "key-needed": {
      title: "This server asks for a key",
      detail: "It does not classify for everyone.",
      hint: "Whoever runs this server can give you one. This browser keeps it.",
    },
    "key-refused": {
      title: "That key does not fit",
      detail: "The server does not know it, or it has expired.",
      hint: "Look whether all of it is there, or ask whoever runs this server.",
    },
    "not-allowed": {
      title: "Your key is for something else",
      detail: "It may not classify.",
      hint: "Ask whoever runs this server.",
    },
    refused: {
      title: "The server could not take this recording",
      detail: "It gave no reason.",
      hint: "Try another file: WAV, MP3, FLAC, Ogg, M4A or WebM.",
    },
    "server-error": {
      title: "Something broke on the server",
      detail: "It is not your recording’s fault.",
      hint: "Try again. If it stays so, tell whoever runs this server.",
    },
    "microphone-denied": {
      title: "The microphone is not allowed",
      detail: "The browser keeps the microphone from this page.",
      hint: "Allow it beside the address of this page, or choose a file instead.",
    },
    "microphone-missing": {
      title: "No microphone found",
      detail: "This device has none, or it is switched off.",
      hint: "Plug one in, or choose a file instead.",
    },
    "microphone-busy": {
      title: "The microphone does not answer",
      detail: "Another program may be holding it.",
      hint: "Close that program and try again, or choose a file instead.",
    },
    "microphone-insecure": {
      title: "No microphone on this address",
      detail: "Browsers lend the microphone only to pages with https, or to localhost.",
      hint: "Record with another app and choose the file here.",
    },
    "recording-empty": {
      title: "Nothing was recorded",
      detail: "The microphone gave no sound.",
      hint: "Record a little longer, three seconds at least.",
    },
  },
};

const languages = { en };
export const language = [...navigator.languages, "en"].map((l) => l.slice(0, 2)).find((l) => l in languages);
const strings = languages[language];

/** The string of that key; where it depends on values, they follow. */
export function text(key, ...values) {
  const found = strings[key];
  return typeof found === "function" ? found(...values) : found;
}

/** {title, detail, hint} of a failure the page has words for; anything unknown is a broken server. */
export const problemText = (code) => strings.problems[code] ?? strings.problems["server-error"];

const percentFormat = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
/** 0.934 -> "93 %". Never 100 %: no model is that sure. */
export const percent = (confidence) => percentFormat.format(confidence > 0.99 ? Math.min(confidence, 0.99) : confidence);
/** The confidence in words. */
export const confidenceWord = (confidence) => text("words")[confidenceLevel(confidence)];

/** "certain" | "likely" | "perhaps" | "unsure". */
export function confidenceLevel(confidence) {
  if (confidence >= 0.9) return "certain";
  if (confidence >= 0.65) return "likely";
  return confidence >= 0.35 ? "perhaps" : "unsure";
}

/** Seconds as a clock, to a tenth when asked: 65.25 -> "1:05" or "1:05.2". */
export function clock(seconds, tenths = false) {
  const whole = tenths ? Math.floor(seconds * 10 + 1e-6) / 10 : Math.floor(seconds + 1e-6);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = (tenths ? s.toFixed(1) : String(s)).padStart(tenths ? 4 : 2, "0");
  return h ? `${h}:${String(m).padStart(2, "0")}:${tail}` : `${m}:${tail}`;
}

/** A length for people: "12 s", "3 min 20 s". */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 1) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  const rest = whole % 60;
  return rest ? `${Math.floor(whole / 60)} min ${rest} s` : `${whole / 60} min`;
}

/** Puts the words into the page: data-text is content, data-label an aria-label, data-alt a picture's alternative. */
export function fill(root) {
  for (const el of root.querySelectorAll("[data-text]")) el.textContent = text(el.dataset.text);
  for (const el of root.querySelectorAll("[data-label]")) el.setAttribute("aria-label", text(el.dataset.label));
  for (const el of root.querySelectorAll("[data-alt]")) el.alt = text(el.dataset.alt);
  document.documentElement.lang = language;
  document.documentElement.classList.add("ready");
}
