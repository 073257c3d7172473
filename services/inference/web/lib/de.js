/* What all views say, in German. */

export default {
  brand: "Chiffchaff",
  skip: "Zum Inhalt springen",
  navigation: "Ansichten",
  views: { listen: "Hören", library: "Sammlung", train: "Trainieren", models: "Modelle", teach: "Beibringen", jobs: "Aufträge" },
  apiLong: "Aus dem eigenen Programm benutzen: die API",
  language: "Sprache",
  close: "Schließen",
  cancel: "Abbrechen",

  model: (name, version) => `Modell ${name}, Version ${version}`,
  modelNone: "Auf diesem Server ist noch kein Modell aktiv.",
  levels: { certain: "fast sicher", likely: "wahrscheinlich", perhaps: "vielleicht", unsure: "unsicher" },
  drawnAlt: "Ein gezeichneter Umriss; von dieser Art gibt es hier kein Bild",
  pictureAlt: (name) => `Ein Bild: ${name}`,
  pictureBy: (author) => `Bild: ${author}`,

  position: "Stelle in der Aufnahme",
  positionValue: (now, all) => `${now} von ${all}`,
  boxes: "Funde; Pfeiltasten wechseln zwischen ihnen, die Eingabetaste spielt ab",
  boxLabel: (name, percent, from, to) => `${name} ${percent}, von ${from} bis ${to}, abspielen`,
  boxTip: (name, sure, word, from, to) => `${name}, ${sure} (${word}), ${from} – ${to}`,
  pointTip: (time, kilohertz) => `${time} · ${kilohertz} kHz`,
  play: "Abspielen",
  pause: "Anhalten",
  cannotPlay: "Dieser Browser kann solche Dateien nicht abspielen",
  loop: "Die Stelle wiederholen",
  zoom: "Vergrößerung",
  zoomIn: "Vergrößern",
  zoomOut: "Verkleinern",
  figure: (name, seconds) => `Sonagramm von ${name}, ${seconds}`,
  figurePlain: (name, seconds) => `${name}, ${seconds}`,

  progress: "Fortschritt",
  timeLeft: (duration) => `noch etwa ${duration}`,
  jobStates: { queued: "wartet", running: "läuft", succeeded: "fertig", failed: "gescheitert", dead: "aufgegeben", cancelled: "abgebrochen" },
  jobKinds: {
    "ingest.run": "Aufnahmen hereinholen",
    "preprocess.prepare": "Eine Aufnahme vorbereiten",
    "ingest.review": "Beigebrachtes aufnehmen",
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

  /*
   * What the page says of a failure, by code: its own, and those of the server, which speaks English. Where there is no
   * `detail` here, what the server says stands there: nobody else knows what it was this time.
   */
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
    "internal-error": {
      title: "Auf dem Server ging etwas kaputt",
      detail: "Damit hatte niemand gerechnet; an dir liegt es nicht.",
      hint: "Versuche es noch einmal. Bleibt es dabei, sag dem Betreiber dieses Servers Bescheid.",
    },
    "unexpected-error": {
      title: "Auf dem Server ging etwas kaputt",
      hint: "Versuche es noch einmal. Bleibt es dabei, sag dem Betreiber dieses Servers Bescheid.",
    },
    "worker-lost": {
      title: "Die Arbeit brach jedes Mal ab",
      detail: "Was sie auf dem Server tat, hörte ohne ein Wort auf, sooft es versucht wurde.",
      hint: "Versuche es noch einmal. Bleibt es dabei, sag dem Betreiber dieses Servers Bescheid.",
    },
    "invalid-input": {
      title: "So lässt sich das nicht ausführen",
      hint: "Ändere, was da steht, und versuche es noch einmal.",
    },
    "not-found": {
      title: "Das gibt es hier nicht",
      hint: "Vielleicht hat es jemand entfernt, oder die Adresse ist vertippt.",
    },
    conflict: {
      title: "Das passt nicht zum jetzigen Stand",
      hint: "Lade die Seite neu und sieh nach, wie es inzwischen steht.",
    },
    forbidden: {
      title: "Das darf dein Schlüssel nicht",
      detail: "Er ist für etwas anderes, oder die Anfrage kam von einer fremden Seite.",
      hint: "Frag den Betreiber dieses Servers.",
    },
    "rate-limited": {
      title: "Zu viele Anfragen",
      detail: "So schnell hintereinander antwortet der Server nicht.",
      hint: "Versuche es gleich noch einmal.",
    },
    "body-too-slow": {
      title: "Das Senden dauert zu lange",
      detail: "Der Server hat nicht länger auf die Datei gewartet.",
      hint: "Versuche es mit einer besseren Verbindung, oder mit einer kleineren Datei.",
    },
    overloaded: {
      title: "Zu viel auf einmal",
      detail: "Der Server hat gerade so viel zu tun, wie er annehmen kann.",
      hint: "Versuche es gleich noch einmal.",
    },
    "storage-full": {
      title: "Kein Platz mehr",
      detail: "Auf dem Server ist kaum noch Speicher frei; es wurde nichts abgelegt.",
      hint: "Sag dem Betreiber dieses Servers Bescheid, und versuche es, sobald Platz ist.",
    },
    "storage-unreachable": {
      title: "Der Speicher antwortet nicht",
      detail: "Der Server kommt gerade nicht an seine Dateien.",
      hint: "Versuche es gleich noch einmal.",
    },
    "storage-refused": {
      title: "So ist der Speicher nicht zu gebrauchen",
      hint: "Der Betreiber dieses Servers muss ihn anders einrichten.",
    },
    "temporary-failure": {
      title: "Ein Fehler, der vorübergeht",
      detail: "Ein Teil des Servers ist gerade nicht erreichbar.",
      hint: "Versuche es gleich noch einmal.",
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
    "audio-error": {
      title: "Diese Aufnahme ist nicht zu gebrauchen",
      hint: "Speichere sie als WAV, MP3 oder FLAC, oder wähle eine andere.",
    },
    "unreadable-recording": {
      title: "Diese Aufnahme ist nicht zu lesen",
      hint: "Lässt sie sich anderswo abspielen? Dann speichere sie dort als WAV oder FLAC.",
    },
    "corrupt-audio": {
      title: "Diese Aufnahme ist beschädigt",
      detail: "Sie lässt sich nicht bis zum Ende lesen.",
      hint: "Ist sie vollständig übertragen? Nimm sonst das Original.",
    },
    "decoder-crashed": {
      title: "An dieser Aufnahme scheitert das Lesen",
      detail: "Das Programm, das sie lesen sollte, stürzte ab.",
      hint: "Speichere sie mit einem anderen Programm als WAV oder FLAC.",
    },
    "decode-timeout": {
      title: "Diese Aufnahme braucht zu lange",
      detail: "Nach der erlaubten Zeit war sie noch nicht gelesen.",
      hint: "Schneide sie in kürzere Stücke, oder speichere sie als WAV oder FLAC.",
    },
    "hearing-crashed": {
      title: "An dieser Aufnahme scheitert das Hören",
      detail: "Es brach ab, sooft es versucht wurde.",
      hint: "Speichere sie mit einem anderen Programm als WAV oder FLAC.",
    },
    "not-heard-yet": {
      title: "Das ist noch nicht ausgewertet",
      detail: "Die Aufnahme wartet noch, bis sie an der Reihe ist.",
      hint: "Sieh gleich noch einmal nach.",
    },
    "nothing-heard": {
      title: "Keine einzige Aufnahme ließ sich auswerten",
      hint: "Was mit jeder war, steht in der Liste darunter.",
    },
    "already-reviewed": {
      title: "Dazu hat schon jemand etwas gesagt",
      hint: "Nimm die Antwort zurück, wenn sie nicht stimmt.",
    },
    "sound-gone": {
      title: "Die Aufnahme ist nicht mehr da",
      detail: "Das Ergebnis gibt es noch; die Datei liegt nicht mehr dort, wo sie lag.",
      hint: "Ist der Datenträger mit den Aufnahmen angeschlossen?",
    },
    "bad-model-file": {
      title: "Diese Modelldatei ist nicht zu gebrauchen",
      hint: "Wähle ein anderes Modell.",
    },
    "broken-model": {
      title: "Die Antwort des Modells ergibt keinen Sinn",
      detail: "Seine Zahlen sind keine, oder es sind nicht so viele, wie es Arten kennt.",
      hint: "Lass ein anderes Modell antworten.",
    },
    "training-diverged": {
      title: "Das Training ist aus dem Ruder gelaufen",
      detail: "Der Verlust ist keine Zahl mehr.",
      hint: "Wähle eine kleinere Lernrate, oder rechne mit float32.",
    },
    "too-little-memory": {
      title: "Das Training braucht mehr Speicher, als da ist",
      hint: "Nimm kleinere Stapel oder ein kleineres Netz.",
    },
    "export-failed": {
      title: "Aus dem gelernten Netz wurde keine Modelldatei",
      hint: "Gelernt ist es; sag dem Betreiber dieses Servers Bescheid.",
    },
    "split-leaks": {
      title: "Die Aufteilung des Datensatzes ist nicht sauber",
      hint: "Das ist ein Fehler des Programms; sag dem Betreiber dieses Servers Bescheid.",
    },
    "processes-disagree": {
      title: "Die Prozesse des Trainings kamen zu verschiedenen Ergebnissen",
      hint: "Trainiere noch einmal, oder mit einem Prozess.",
    },
    "training-process-lost": {
      title: "Ein Prozess des Trainings brach ab",
      detail: "Er hörte ohne ein Wort auf.",
      hint: "Es wird später von selbst noch einmal versucht.",
    },
    "xeno-canto-key-refused": {
      title: "Xeno-canto nimmt den Schlüssel nicht an",
      detail: "Ohne gültigen Schlüssel gibt Xeno-canto nichts heraus.",
      hint: "Der Betreiber dieses Servers trägt einen ein, aus einem Konto mit bestätigter E-Mail-Adresse (xeno-canto.org/account).",
    },
    "xeno-canto-search-refused": {
      title: "Xeno-canto lehnt die Suche ab",
      hint: "Ändere, wonach du suchst.",
    },
    "xeno-canto-unavailable": {
      title: "Xeno-canto ist gerade nicht zu erreichen",
      detail: "Es antwortet nicht, oder nur mit Fehlern.",
      hint: "Es wird später von selbst dort weitergemacht, wo es aufhörte.",
    },
    "address-refused": {
      title: "Diese Adresse wird nicht aufgerufen",
      hint: "Der Betreiber dieses Servers kann nachsehen, ob die Adresse von Xeno-canto stimmt.",
    },
    "download-refused": {
      title: "Diese Datei ist nicht zu bekommen",
      detail: "Xeno-canto gibt sie nicht heraus.",
      hint: "Vielleicht wurde sie zurückgezogen, oder sie wird zurückgehalten.",
    },
    "download-failed": {
      title: "Das Herunterladen brach ab",
      detail: "Die Verbindung hielt nicht bis zum Ende der Datei.",
      hint: "Hol noch einmal herein: Was da ist, wird nicht wieder geladen.",
    },
    "unreadable-file": {
      title: "Diese Datei ist nicht zu lesen",
      hint: "Darf der Server sie lesen, und gibt es sie noch?",
    },
    "changed-file": {
      title: "Diese Datei hat sich beim Lesen geändert",
      detail: "Vielleicht wird sie noch geschrieben.",
      hint: "Hol den Ordner noch einmal herein, wenn sie fertig ist.",
    },
    "unfinished-file": {
      title: "Diese Datei ist noch nicht fertig",
      detail: "Das sagt ihr Name.",
      hint: "Hol den Ordner noch einmal herein, wenn sie es ist.",
    },
    "unreadable-annotations": {
      title: "Die Anmerkungen sind nicht zu lesen",
      hint: "Es sollte eine Auswahltabelle aus Raven oder eine Spur aus Audacity sein.",
    },
    "not-a-recording": {
      title: "Das ist keine Aufnahme",
      detail: "Weder der Name noch der Inhalt spricht dafür.",
      hint: "Es wurde übergangen.",
    },
    "link-not-followed": {
      title: "Dieser Verknüpfung wird nicht gefolgt",
      hint: "Leg die Dateien selbst in den Ordner.",
    },
    "duplicate-row": {
      title: "Diese Datei steht zweimal im Verzeichnis",
      detail: "Die erste Zeile gilt.",
      hint: "Die andere wurde übergangen.",
    },
    "bad-row": {
      title: "Diese Zeile des Verzeichnisses ist nicht zu gebrauchen",
      hint: "Verbessere sie, und hol noch einmal herein.",
    },
    "outside-of-library": {
      title: "Diese Datei liegt nicht dort, wo der Server lesen darf",
      hint: "Leg sie in den Ordner, den der Betreiber dafür bestimmt hat.",
    },
    restored: {
      title: "Sie war gelöscht und ist wieder in der Sammlung",
      detail: "Dieselbe Aufnahme kam noch einmal herein.",
      hint: "Lösche sie noch einmal, wenn das nicht so sein soll.",
    },
    "known-by-other-label": {
      title: "Dieselbe Aufnahme ist unter einer anderen Art in der Sammlung",
      hint: "Dabei bleibt es; du kannst sie dort verbessern.",
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
