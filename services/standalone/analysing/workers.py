"""The processes that hear recordings, seen from the one that hands them out: started fresh, never forked."""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

import services
from services.inference.analysis import HearingCrashed
from services.inference.results.model import FailedRecording
from services.standalone.analysing.kept import Entry, Folder, Mark, unwritable, way_of
from services.standalone.analysing.recordings import Recording
from services.standalone.analysing.setup import Setup, as_line
from shared import errors
from shared.errors import ChiffchaffError

TRIES = 2
"""A recording that kills its worker twice is a failed one."""

Told = Callable[[Recording, float], None]
"""Is told which share of a recording is done, 0..1."""


class NoWorkers(ChiffchaffError):
    code = "no-workers"
    title = "No recording can be heard"


@dataclass(frozen=True)
class Heard:
    """`seconds` is None where the recording failed."""

    recording: Recording
    seconds: float | None


@dataclass
class _Worker:
    process: "subprocess.Popen[bytes]"
    recording: Recording | None = None
    rest: bytes = b""
    is_ready: bool = False

    def lines(self) -> Iterator[dict[str, Any]]:
        """What it has said since; nothing, and `ended`, at its end."""
        piece = os.read(_pipe(self.process.stdout).fileno(), 65_536)
        if not piece:
            self.process.wait()
            return
        *lines, self.rest = (self.rest + piece).split(b"\n")
        yield from map(json.loads, lines)

    @property
    def ended(self) -> bool:
        return self.process.returncode is not None


@dataclass
class Workers:
    """Hands out recordings to `jobs` processes at most."""

    folder: Folder
    setup: Setup
    jobs: int
    told: Told
    _all: list[_Worker] = field(default_factory=list)
    _tries: dict[Path, int] = field(default_factory=dict)

    def hear(self, recordings: Sequence[Recording]) -> Generator[Heard, None, None]:
        """Each as it is done, in any order; what was heard is kept by then. Leaves no process behind.

        Raises what the workers cannot go on for: StorageFull, ModelFileError, InvalidInput; NoWorkers when none starts.
        """
        waiting = deque(recordings)
        with self._log() as log, selectors.DefaultSelector() as selector:
            try:
                for _ in range(min(self.jobs, len(recordings))):
                    self._start(selector, log)
                while waiting or any(one.recording for one in self._all):
                    for key, _ in selector.select():
                        yield from self._follow(key.data, waiting, selector, log)
            finally:
                self._end()

    def _follow(
        self, worker: _Worker, waiting: "deque[Recording]", selector: selectors.BaseSelector, log: BinaryIO
    ) -> Iterator[Heard]:
        for line in worker.lines():
            if "stop" in line:
                raise _error(line["stop"])
            if "share" in line and worker.recording:
                self.told(worker.recording, line["share"])
                continue
            if "seconds" in line and worker.recording:
                yield Heard(worker.recording, line["seconds"])
            worker.is_ready, worker.recording = True, None
            _hand(worker, waiting)
        if worker.ended:
            selector.unregister(_pipe(worker.process.stdout))
            self._all.remove(worker)
            _close(worker)
            if not worker.is_ready:
                raise NoWorkers("A process that hears recordings ended before it began.", hint=self._last_words())
            if worker.recording:
                yield from self._again(worker.recording, worker.process.returncode, waiting)
            if waiting:
                self._start(selector, log)

    def _again(self, recording: Recording, code: int, waiting: "deque[Recording]") -> Iterator[Heard]:
        """Somebody else may have killed it, or the kernel, short of memory: the recording gets another try."""
        self._tries[recording.path] = self._tries.get(recording.path, 1) + 1
        if self._tries[recording.path] <= TRIES:
            waiting.appendleft(recording)
            return
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        error = HearingCrashed(
            f"The process that heard it ended {TRIES} times ({how}).", hint="Too little memory? Try fewer --jobs."
        )
        result = FailedRecording(file=recording.name, code=error.code, error=str(error))
        mark = Mark(size=recording.size, modified_ns=recording.modified_ns, way=way_of(self.setup.about), passing=True)
        self.folder.keep(recording, Entry(mark, result))
        yield Heard(recording, None)

    def _start(self, selector: selectors.BaseSelector, log: BinaryIO) -> None:
        """A worker with one thread, which does not hear the terminal's Ctrl-C: ending it is for this process."""
        root = str(Path(services.__path__[0]).parent)
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "services.standalone.analysing.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **threads, "PYTHONPATH": path},
            start_new_session=True,
        )
        worker = _Worker(process)
        self._all.append(worker)
        selector.register(_pipe(process.stdout), selectors.EVENT_READ, worker)
        _say(worker, self.setup.model_dump_json())

    def _end(self) -> None:
        for worker in self._all:
            worker.process.kill()
        for worker in self._all:
            worker.process.wait()
            _close(worker)
        self._all.clear()

    @contextmanager
    def _log(self) -> Iterator[BinaryIO]:
        try:
            log = self.folder.log.open("wb")
        except OSError as error:
            raise unwritable(self.folder.log, error) from error
        with log:
            yield log

    def _last_words(self) -> str:
        lines = self.folder.log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "")


def _hand(worker: _Worker, waiting: "deque[Recording]") -> None:
    if waiting:
        worker.recording = waiting.popleft()
        _say(worker, as_line(worker.recording))


def _say(worker: _Worker, line: str) -> None:
    pipe = _pipe(worker.process.stdin)
    try:
        pipe.write(line.encode() + b"\n")
        pipe.flush()
    except BrokenPipeError:
        """It has ended: that is noticed where its answers are read."""


def _close(worker: _Worker) -> None:
    for pipe in (worker.process.stdin, worker.process.stdout):
        try:
            _pipe(pipe).close()
        except BrokenPipeError:
            """What was still to be written is for nobody."""


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("a worker has both pipes")
    return pipe


def _error(stop: dict[str, str]) -> ChiffchaffError:
    return errors.kind_of(stop["code"])(stop["detail"], hint=stop["hint"])
