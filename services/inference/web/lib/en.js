/* What all views say, in English. */

export default {
  brand: "Chiffchaff",
  skip: "Skip to the content",
  navigation: "Views",
  views: { listen: "Listen", library: "Library", train: "Train", models: "Models", teach: "Teach", jobs: "Jobs" },
  apiLong: "Use it from your own program: the API",
  language: "Language",
  close: "Close",
  cancel: "Cancel",

  model: (name, version) => `Model ${name}, version ${version}`,
  modelNone: "No model is active on this server yet.",
  levels: { certain: "almost certain", likely: "likely", perhaps: "perhaps", unsure: "unsure" },

  position: "Position in the recording",
  positionValue: (now, all) => `${now} of ${all}`,
  boxes: "Detections; arrow keys move between them, Enter plays",
  boxLabel: (name, percent, from, to) => `${name} ${percent}, from ${from} to ${to}, play`,
  boxTip: (name, sure, word, from, to) => `${name}, ${sure} (${word}), ${from} – ${to}`,
  pointTip: (time, kilohertz) => `${time} · ${kilohertz} kHz`,
  play: "Play",
  pause: "Pause",
  cannotPlay: "This browser cannot play this kind of file",
  loop: "Repeat the passage",
  zoom: "Zoom",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  figure: (name, seconds) => `Sonagram of ${name}, ${seconds}`,
  figurePlain: (name, seconds) => `${name}, ${seconds}`,

  progress: "Progress",
  timeLeft: (duration) => `about ${duration} left`,
  jobStates: { queued: "waiting", running: "running", succeeded: "done", failed: "failed", dead: "gave up", cancelled: "cancelled" },
  jobKinds: {
    "ingest.run": "Bring recordings in",
    "preprocess.prepare": "Prepare a recording",
    "ingest.prepare_anew": "Prepare recordings anew",
    "ingest.verify_storage": "Check the files",
    "ingest.prune_storage": "Make room on the disk",
    "trainer.train": "Train a model",
    "inference.analyse": "Analyse recordings",
    "inference.hear": "Hear a part of them",
    "inference.remove": "Remove an analysis",
  },
  toRecording: "To the recording",
  toIngestion: "What came in",

  problemOverline: "That did not work",
  problemCode: (code) => `Code for a report: ${code}`,
  retry: "Try again",
  home: "To the first view",
  key: "Key",
  useKey: "Use this key",
  retryAfter: (seconds) => `Try again in ${seconds} s.`,

  /* What the page itself can say of a failure, by code; the server's problem documents speak for themselves. */
  problems: {
    unreachable: {
      title: "The server does not answer",
      detail: "What you asked for could not be sent.",
      hint: "See whether you are online and whether Chiffchaff is running, then try again. A very large file may also have been refused.",
    },
    "no-such-view": {
      title: "There is no such place here",
      detail: "The address may be mistyped, or belong to another version of Chiffchaff.",
      hint: "Everything there is can be reached from the top of the page.",
    },
    "result-not-here": {
      title: "This result is not in this browser",
      detail: "Results lie in the browser that asked for them, with their recordings, and the oldest make room for new ones.",
      hint: "Open the link where the recording was made, or bring the recording once more.",
    },
    "analysis-gone": {
      title: "This result is not on the server any more",
      detail: "Somebody has removed it, or your key may not see it.",
      hint: "Ask whoever gave you the link, or bring the recording yourself.",
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
      detail: "The server runs, but cannot answer at the moment.",
      hint: "Try again in a moment.",
    },
    "key-needed": {
      title: "This server asks for a key",
      detail: "It does not answer everyone.",
      hint: "Whoever runs this server can give you one. This browser keeps it.",
    },
    "key-refused": {
      title: "That key does not fit",
      detail: "The server does not know it, or it has expired.",
      hint: "Look whether all of it is there, or ask whoever runs this server.",
    },
    "not-allowed": {
      title: "Your key is for something else",
      detail: "It does not open this.",
      hint: "Ask whoever runs this server.",
    },
    refused: {
      title: "The server could not take this",
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
