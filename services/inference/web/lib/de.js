/* What all views say, in German. */

export default {
  brand: "Chiffchaff",
  skip: "Zum Inhalt springen",
  navigation: "Ansichten",
  views: { listen: "Hören", library: "Sammlung", train: "Trainieren", models: "Modelle", teach: "Lehren", jobs: "Aufträge" },
  apiLong: "Aus dem eigenen Programm benutzen: die API",
  language: "Sprache",
  close: "Schließen",
  cancel: "Abbrechen",

  model: (name, version) => `Modell ${name}, Version ${version}`,
  modelNone: "Auf diesem Server ist noch kein Modell aktiv.",
  levels: { certain: "fast sicher", likely: "wahrscheinlich", perhaps: "vielleicht", unsure: "unsicher" },

  position: "Stelle in der Aufnahme",
  positionValue: (now, all) => `${now} von ${all}`,
  boxes: "Funde; Pfeiltasten wechseln zwischen ihnen, die Eingabetaste spielt ab",
  boxLabel: (name, percent, from, to) => `${name} ${percent}, von ${from} bis ${to}, abspielen`,
  boxTip: (name, sure, word, from, to) => `${name}, ${sure} (${word}), ${from} – ${to}`,
  pointTip: (time, kilohertz) => `${time} · ${kilohertz} kHz`,
  play: "Abspielen",
  pause: "Anhalten",
  cannotPlay: "Dieser Browser kann solche Dateien nicht abspielen",

  progress: "Fortschritt",
  timeLeft: (duration) => `noch etwa ${duration}`,
  jobStates: { queued: "wartet", running: "läuft", succeeded: "fertig", failed: "gescheitert", dead: "aufgegeben", cancelled: "abgebrochen" },
  jobKinds: {
    "ingest.run": "Aufnahmen hereinholen",
    "preprocess.prepare": "Eine Aufnahme vorbereiten",
    "ingest.prepare_anew": "Aufnahmen neu vorbereiten",
    "ingest.verify_storage": "Die Dateien prüfen",
    "ingest.prune_storage": "Platz schaffen",
    "trainer.train": "Ein Modell trainieren",
    "inference.analyse": "Aufnahmen auswerten",
    "inference.hear": "Einen Teil davon hören",
    "inference.remove": "Eine Auswertung entfernen",
  },
  toRecording: "Zur Aufnahme",
  toIngestion: "Was hereinkam",

  problemOverline: "Das hat nicht geklappt",
  problemCode: (code) => `Kennung für eine Meldung: ${code}`,
  retry: "Noch einmal versuchen",
  home: "Zum Anfang",
  key: "Schlüssel",
  useKey: "Diesen Schlüssel benutzen",
  retryAfter: (seconds) => `Versuche es in ${seconds} s noch einmal.`,

  problems: {
    unreachable: {
      title: "Der Server antwortet nicht",
      detail: "Die Anfrage kam nicht an.",
      hint: "Bist du online, und läuft Chiffchaff? Dann versuche es noch einmal. Auch eine sehr große Datei kann abgelehnt worden sein.",
    },
    "no-such-view": {
      title: "Diesen Ort gibt es hier nicht",
      detail: "Vielleicht ist die Adresse vertippt, oder sie gehört zu einer anderen Version von Chiffchaff.",
      hint: "Alles, was es gibt, erreichst du oben auf der Seite.",
    },
    "result-not-here": {
      title: "Dieses Ergebnis liegt nicht in diesem Browser",
      detail: "Ergebnisse liegen samt Aufnahme in dem Browser, der danach gefragt hat; die ältesten machen neuen Platz.",
      hint: "Öffne den Link dort, wo die Aufnahme gemacht wurde, oder bring die Aufnahme noch einmal.",
    },
    "analysis-gone": {
      title: "Dieses Ergebnis liegt nicht mehr auf dem Server",
      detail: "Jemand hat es entfernt, oder dein Schlüssel darf es nicht sehen.",
      hint: "Frag, von wem du den Link hast, oder bring die Aufnahme selbst.",
    },
    "answer-unreadable": {
      title: "Die Antwort ergibt keinen Sinn",
      detail: "Der Server hat geantwortet, aber nicht so, dass diese Seite es versteht.",
      hint: "Lade die Seite neu. Hilft das nicht, sag dem Betreiber dieses Servers Bescheid.",
    },
    "body-too-large": {
      title: "Diese Datei ist zu groß",
      detail: "So große Aufnahmen nimmt der Server nicht an.",
      hint: "Schneide die Stelle mit dem Vogel heraus, oder speichere sie als MP3, FLAC oder Ogg.",
    },
    "not-a-file": {
      title: "Das ist keine Datei",
      detail: "Was du abgelegt hast, enthält keine Aufnahme.",
      hint: "Leg eine Tondatei ab: WAV, MP3, FLAC, Ogg, M4A oder WebM.",
    },
    "empty-file": {
      title: "Diese Datei ist leer",
      detail: "Sie enthält kein einziges Byte.",
      hint: "Wähle eine andere Aufnahme.",
    },
    busy: {
      title: "Viele Vögel auf einmal",
      detail: "Der Server hat gerade mehr Aufnahmen, als er anhören kann.",
      hint: "Versuche es gleich noch einmal.",
    },
    "not-ready": {
      title: "Noch nicht ganz wach",
      detail: "Der Server läuft, kann aber gerade nicht antworten.",
      hint: "Versuche es gleich noch einmal.",
    },
    "key-needed": {
      title: "Dieser Server fragt nach einem Schlüssel",
      detail: "Er antwortet nicht allen.",
      hint: "Wer diesen Server betreibt, kann dir einen geben. Dieser Browser merkt ihn sich.",
    },
    "key-refused": {
      title: "Dieser Schlüssel passt nicht",
      detail: "Der Server kennt ihn nicht, oder er ist abgelaufen.",
      hint: "Ist er vollständig? Sonst frag den Betreiber dieses Servers.",
    },
    "not-allowed": {
      title: "Dein Schlüssel ist für etwas anderes",
      detail: "Das hier öffnet er nicht.",
      hint: "Frag den Betreiber dieses Servers.",
    },
    refused: {
      title: "Der Server konnte das nicht annehmen",
      detail: "Einen Grund nannte er nicht.",
      hint: "Versuche es mit einer anderen Datei: WAV, MP3, FLAC, Ogg, M4A oder WebM.",
    },
    "server-error": {
      title: "Auf dem Server ging etwas kaputt",
      detail: "An deiner Aufnahme liegt es nicht.",
      hint: "Versuche es noch einmal. Bleibt es dabei, sag dem Betreiber dieses Servers Bescheid.",
    },
    "not-audio": {
      title: "Das ist keine Aufnahme",
      detail: "In der Datei steckt kein Ton, den der Server lesen kann.",
      hint: "Nimm eine Tondatei: WAV, MP3, FLAC, Ogg, M4A oder WebM.",
    },
    "empty-audio": {
      title: "In der Datei ist kein Ton",
      detail: "Sie hat einen Anfang, aber keinen Inhalt.",
      hint: "Wähle eine andere Aufnahme.",
    },
    "recording-too-short": {
      title: "Diese Aufnahme ist zu kurz",
      detail: "So wenig reicht nicht, um einen Vogel zu erkennen.",
      hint: "Nimm drei Sekunden oder mehr auf.",
    },
    "recording-too-long": {
      title: "Diese Aufnahme ist zu lang",
      detail: "So lange Aufnahmen hört der Server nicht auf einmal an.",
      hint: "Schneide die Stelle mit dem Vogel heraus.",
    },
    "silent-recording": {
      title: "Diese Aufnahme ist stumm",
      detail: "Von Anfang bis Ende ist nichts zu hören, nicht einmal Rauschen.",
      hint: "War das Mikrofon stummgeschaltet?",
    },
    "unsupported-audio": {
      title: "Diese Art von Aufnahme geht hier nicht",
      detail: "Der Server kann sie nicht lesen.",
      hint: "Speichere sie als WAV, MP3 oder FLAC.",
    },
    "microphone-denied": {
      title: "Das Mikrofon ist nicht erlaubt",
      detail: "Der Browser hält es von dieser Seite fern.",
      hint: "Erlaube es neben der Adresse dieser Seite, oder wähle eine Datei.",
    },
    "microphone-missing": {
      title: "Kein Mikrofon gefunden",
      detail: "Dieses Gerät hat keines, oder es ist ausgeschaltet.",
      hint: "Schließ eines an, oder wähle eine Datei.",
    },
    "microphone-busy": {
      title: "Das Mikrofon antwortet nicht",
      detail: "Vielleicht hält es ein anderes Programm fest.",
      hint: "Schließ das andere Programm und versuche es noch einmal, oder wähle eine Datei.",
    },
    "microphone-insecure": {
      title: "Unter dieser Adresse kein Mikrofon",
      detail: "Browser leihen das Mikrofon nur Seiten mit https, oder localhost.",
      hint: "Nimm mit einer anderen App auf und wähle die Datei hier.",
    },
    "recording-empty": {
      title: "Nichts wurde aufgenommen",
      detail: "Vom Mikrofon kam kein Ton.",
      hint: "Nimm etwas länger auf, mindestens drei Sekunden.",
    },
  },
};
