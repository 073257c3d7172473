"""What an analysis keeps of each recording, so that it goes on where it was: small files in DIR/.chiffchaff.

DIR/.chiffchaff/lock            held by the process that writes here
DIR/.chiffchaff/analysis.json   what all recordings have in common
DIR/.chiffchaff/heard/ab/...    a file for each recording: what it is of, and what was heard
DIR/.chiffchaff/scratch         prepared audio, and files in the making
"""

import errno
import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from services.inference.results.model import About, Result, writable
from services.standalone.analysing.recordings import KEPT, SNIPPETS, Recording
from shared.errors import Conflict, InvalidInput, StorageFull

Snippets = Literal["wav", "flac"]
_RESULT: TypeAdapter[Result] = TypeAdapter(Result)
_FORMAT = 1


class Analysis(BaseModel):
    """What all recordings have in common. `finished` once every one of them was heard."""

    about: About
    finished: bool = False


class Mark(BaseModel):
    """Which recording an entry is of, as it was then, and with what it was heard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    modified_ns: int
    way: str
    """See `way_of`."""
    snippets: Snippets | None = None
    passing: bool = False
    """Whether it failed for a reason that may have passed when it is tried again."""


@dataclass(frozen=True)
class Entry:
    mark: Mark
    result: Result


def way_of(about: About) -> str:
    """A name for the way that recordings are heard: another model, version or parameter gives another one."""
    parts = about.model_dump_json(exclude={"id", "made_at"})
    return hashlib.sha256(f"{_FORMAT} {parts}".encode()).hexdigest()


class Folder:
    """The folder that results are written to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.snippets = root / SNIPPETS
        self.scratch = root / KEPT / "scratch"
        self.log = root / KEPT / "workers.log"
        self._heard = root / KEPT / "heard"
        self._analysis = root / KEPT / "analysis.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Makes the folder, keeps other analyses out of it, and clears the scratch folder before and after.

        Raises Conflict when another process holds it, and InvalidInput where there can be no such folder.
        """
        try:
            self._heard.mkdir(parents=True, exist_ok=True)
            lock = (self.root / KEPT / "lock").open("a+")
        except OSError as error:
            raise InvalidInput(
                f"Results cannot be written to {self.root}: {error.strerror}.", hint="Name another --output."
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise Conflict(
                    f"Another analysis (process {lock.read().strip() or 'unknown'}) is writing to {self.root}.",
                    hint="Wait for it, or name another --output.",
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            self._clear()
            self.scratch.mkdir(exist_ok=True)
            try:
                yield
            finally:
                self._clear()

    def _clear(self) -> None:
        shutil.rmtree(self.scratch, ignore_errors=True)
        for part in self.snippets.glob("*.part"):
            part.unlink(missing_ok=True)

    def forget(self) -> None:
        """Lets every recording be heard anew."""
        shutil.rmtree(self._heard)
        self._heard.mkdir()

    def analysis(self) -> Analysis | None:
        """The one that was begun here last, if any."""
        try:
            return Analysis.model_validate_json(self._analysis.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def note(self, analysis: Analysis) -> None:
        with self.writing(self._analysis) as file:
            file.write(analysis.model_dump_json().encode() + b"\n")

    def mark(self, recording: Recording) -> Mark | None:
        """Of the entry of a recording; None where there is none, or of what the file was before."""
        try:
            with self._entry(recording.path).open("rb") as file:
                mark = Mark.model_validate_json(file.readline())
        except (FileNotFoundError, ValidationError):
            return None
        same = (mark.size, mark.modified_ns) == (recording.size, recording.modified_ns)
        return mark if same else None

    def entry(self, recording: Recording) -> Entry | None:
        """As `mark`, with what was heard."""
        mark = self.mark(recording)
        if mark is None:
            return None
        try:
            with self._entry(recording.path).open("rb") as file:
                file.readline()
                result = _RESULT.validate_json(file.readline())
        except (FileNotFoundError, ValidationError):
            return None
        # Called as it is today, though it was heard from another folder.
        return Entry(mark, result.model_copy(update={"file": writable(recording.name)}))

    def keep(self, recording: Recording, entry: Entry) -> None:
        """Writes an entry in place of that before."""
        with self.writing(self._entry(recording.path)) as file:
            file.write(f"{entry.mark.model_dump_json()}\n{entry.result.model_dump_json()}\n".encode())

    @contextmanager
    def writing(self, path: Path) -> Iterator[BinaryIO]:
        """A file that appears at `path` whole, or not at all. Raises StorageFull, and InvalidInput."""
        part = self.scratch / f"{uuid.uuid4().hex}.part"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                yield file
            os.replace(part, path)
        except OSError as error:
            raise unwritable(path, error) from error
        finally:
            part.unlink(missing_ok=True)

    def _entry(self, path: Path) -> Path:
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()
        return self._heard / digest[:2] / f"{digest}.json"


def unwritable(path: Path, error: OSError) -> StorageFull | InvalidInput:
    """What to tell of a file that could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(f"There is no room for {path}: {error.strerror}.")
    return InvalidInput(f"{path} cannot be written: {error.strerror}.", hint="May one write there?")
