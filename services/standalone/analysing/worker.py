"""A process that hears recordings, started by `workers`: JSON lines on stdin and stdout.

The first line it gets is a `Setup`, each other a recording. It answers `{"ready": true}`; for each recording how far
it is, `{"share": 0.4}`, several times a second, and in the end `{"seconds": 60.0}`, null where the recording failed; by
then what was heard lies in the folder. `{"stop": ...}` means that going on makes no sense. It ends with its parent, at
the end of stdin, and its decoder ends with it.
"""

import json
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from services.inference.analysis import Analyst
from services.inference.classifier import load_classifier
from services.inference.results.model import FailedRecording, RecordingResult
from services.inference.results.snippets import extract
from services.standalone.analysing.kept import Entry, Folder, Mark, unwritable, way_of
from services.standalone.analysing.recordings import Recording
from services.standalone.analysing.setup import Setup, from_line
from shared.audio.sandbox import DecoderPool
from shared.errors import ChiffchaffError, DecoderCrashed, ModelFileError, StorageFull, UnreadableRecording

TELL_SECONDS = 0.25
_PASSING = (UnreadableRecording.code, DecoderCrashed.code)
_LITTLE_ROOM = 1 << 20


class Worker:
    """Hears one recording after the other and keeps what it heard."""

    def __init__(self, setup: Setup, analyst: Analyst, answers: BinaryIO) -> None:
        self._setup = setup
        self._analyst = analyst
        self._answers = answers
        self._folder = Folder(setup.folder)
        self._way = way_of(setup.about)
        self._next = 0.0

    def hear(self, recording: Recording) -> None:
        """Raises StorageFull, and InvalidInput where results cannot be written."""
        entry = self._folder.entry(recording)
        if entry is None or entry.mark.way != self._way or entry.mark.passing:
            entry = self._heard(recording)
        if self._setup.snippets not in (None, entry.mark.snippets):
            result = self._cut(recording, entry.result) if isinstance(entry.result, RecordingResult) else entry.result
            entry = Entry(entry.mark.model_copy(update={"snippets": self._setup.snippets}), result)
        self._folder.keep(recording, entry)
        write(self._answers, {"seconds": getattr(entry.result, "seconds", None)})

    def _heard(self, recording: Recording) -> Entry:
        result = self._analyst.result(recording.path, recording.name, self._tell)
        passing = isinstance(result, FailedRecording) and result.code in _PASSING
        mark = Mark(size=recording.size, modified_ns=recording.modified_ns, way=self._way, passing=passing)
        return Entry(mark, result)

    def _cut(self, recording: Recording, result: RecordingResult) -> RecordingResult:
        """The result, with a warning where snippets could not be cut. Raises StorageFull."""
        from soundfile import LibsndfileError

        folder, kind = self._folder.snippets, self._setup.snippets or "wav"
        folder.mkdir(exist_ok=True)
        try:
            cuts = extract(recording.path, result, self._setup.about, folder, padding=self._setup.padding, kind=kind)
            for _ in cuts:
                self._tell(1.0)
        except OSError as error:
            raise unwritable(folder, error) from error
        except (ChiffchaffError, LibsndfileError) as error:
            if isinstance(error, LibsndfileError) and _is_full(folder):
                raise StorageFull(f"There is no room for snippets in {folder}.") from error
            return result.model_copy(update={"warnings": (*result.warnings, f"No snippets could be cut: {error}")})
        return result

    def _tell(self, share: float) -> None:
        if (moment := time.monotonic()) >= self._next:
            self._next = moment + TELL_SECONDS
            write(self._answers, {"share": share})


def write(answers: BinaryIO, line: dict[str, Any]) -> None:
    answers.write(json.dumps(line).encode() + b"\n")
    answers.flush()


def _is_full(folder: Path) -> bool:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize < _LITTLE_ROOM


def _lines(source: BinaryIO, lines: "queue.SimpleQueue[bytes]") -> None:
    for line in source:
        lines.put(line)
    # The parent is gone, and so is whoever waited for this.
    os._exit(0)


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not end up among the answers.
    os.dup2(2, 1)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_lines, args=(sys.stdin.buffer, lines), daemon=True).start()
    setup = Setup.model_validate_json(lines.get())
    try:
        with DecoderPool(1) as decoders:
            worker = Worker(setup, _analyst(setup, decoders), answers)
            write(answers, {"ready": True})
            while True:
                worker.hear(from_line(lines.get()))
    except ChiffchaffError as error:
        write(answers, {"stop": {"code": error.code, "detail": error.detail, "hint": error.hint}})


def _analyst(setup: Setup, decoders: DecoderPool) -> Analyst:
    about = setup.about
    try:
        classifier = load_classifier(
            setup.model,
            about.model.sha256,
            model_id=about.model.sha256,
            name=about.model.name,
            # Only those of the store are numbers.
            version=int(about.model.version) if about.model.version.isdecimal() else 0,
            threads=1,
        )
        classifier.warm_up()
    except ModelFileError as error:
        raise ModelFileError(error.detail, hint="Name another --model.") from error
    return Analyst(classifier, about.parameters, decoders, Folder(setup.folder).scratch, setup.limits)


if __name__ == "__main__":
    main()
