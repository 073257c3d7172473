"""Verification: is every file that the database names there, and what it was when it was stored?"""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.ingest.retention import in_parts
from shared import jobs
from shared.db.learning import WEIGHTS
from shared.db.tables import AnalysisRecording, Dataset, JobEvent, Model, Recording, Training
from shared.errors import NotFound
from shared.storage import Storage, sha256_in
from shared.worker import JobContext, Postponed

VERIFY = "ingest.verify_storage"
AT_ONCE = 500
BLOCK_BYTES = 1 << 20
MOST_SHOWN = 200
SAVED = "verified-so-far"
SAVE_SECONDS = 60.0
YOUNG_SECONDS = 3_600.0
"""A file is in the storage before its row is in the database."""

Table = Literal["recordings", "models", "datasets", "files"]


class Problem(BaseModel):
    """A file that is not what it should be."""

    problem: Literal["missing", "corrupt"]
    what: str
    """Such as `recording 3f9a…`, `model garden-birds 3`."""
    key: str
    detail: str


class Verified(BaseModel):
    """What was found, so far or in the end."""

    files: int = 0
    bytes: int = 0
    missing: int = 0
    corrupt: int = 0
    problems: list[Problem] = []
    """The first of them."""
    pruned: int = 0
    """Prepared files that are not there: they are made anew when they are needed."""
    unknown: int = 0
    unknown_keys: list[str] = []
    """The first files that no row names: they take room and harm nothing."""


class Saved(BaseModel):
    """Where to go on: the table, and the id of its last row that was looked at."""

    table: Table = "recordings"
    after: str = ""
    verified: Verified = Verified()


@dataclass(frozen=True)
class Expected:
    """A file that a row names; `sha256` is None where no hash was kept."""

    row_id: str
    what: str
    key: str
    sha256: str | None
    prepared_key: str | None = None


class Verification:
    """One run over all tables and the listing of the storage; interrupted, it goes on where it last saved."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._storage: Storage = context.storage
        self._started = time.time()
        self._next_save = time.monotonic() + SAVE_SECONDS
        with context.sessions() as session:
            self._saved = _last_saved(session, context.claim.job_id)
            self._total = float(session.scalar(select(func.sum(Recording.size))) or 0)

    def run(self) -> Verified:
        for table, following in (("recordings", "models"), ("models", "datasets"), ("datasets", "files")):
            if self._saved.table == table:
                self._look_through(table)
                self._saved = Saved(table=following, verified=self._saved.verified)
        self._find_unknown()
        return self._saved.verified

    def _look_through(self, table: str) -> None:
        while True:
            with self._context.sessions() as session:
                page = _PAGES[table](session, self._saved.after)
            if not page:
                return
            for expected in page:
                self._look_at(expected)
            self._saved.after = page[-1].row_id
            self._save()

    def _look_at(self, expected: Expected) -> None:
        verified = self._saved.verified
        verified.files += 1
        try:
            actual = self._sha256_of(expected.key)
        except NotFound:
            verified.missing += 1
            self._complain("missing", expected, "The file is not there.")
        except OSError as error:
            verified.corrupt += 1
            self._complain("corrupt", expected, f"It cannot be read: {error.strerror}.")
        else:
            if expected.sha256 is not None and actual != expected.sha256:
                verified.corrupt += 1
                self._complain("corrupt", expected, "Its content is not what was stored.")
        if expected.prepared_key is not None and not self._storage.exists(expected.prepared_key):
            verified.pruned += 1

    def _sha256_of(self, key: str) -> str:
        digest = hashlib.sha256()
        with self._storage.open(key) as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
                self._saved.verified.bytes += len(block)
                self._say()
        return digest.hexdigest()

    def _find_unknown(self) -> None:
        """Files that no row names, and that are not so young that their row may be about to come."""
        verified = self._saved.verified
        verified.unknown, verified.unknown_keys = 0, []
        with self._context.sessions() as session:
            few = set(session.scalars(select(Dataset.file_key)))
            for model in session.scalars(select(Model)):
                few |= {model.file_key, *model.files.values()}
            left = select(JobEvent.data).where(JobEvent.kind == WEIGHTS, JobEvent.job_id.in_(select(Training.job_id)))
            few |= {data["key"] for data in session.scalars(left)}
        old = (one.key for one in self._storage.entries() if one.used_at < self._started - YOUNG_SECONDS)
        for keys in in_parts(old):
            self._say()
            with self._context.sessions() as session:
                rows = select(Recording.original_key, Recording.prepared_key)
                hashes = {sha256_in(key) for key in keys}
                known = {key for row in session.execute(rows.where(Recording.sha256.in_(hashes))) for key in row}
                uploads = select(AnalysisRecording.storage_key).where(AnalysisRecording.storage_key.in_(keys))
                known |= set(session.scalars(uploads))
            unknown = [key for key in keys if key not in known and key not in few]
            verified.unknown += len(unknown)
            verified.unknown_keys += unknown[: MOST_SHOWN - len(verified.unknown_keys)]

    def _complain(self, problem: Literal["missing", "corrupt"], expected: Expected, detail: str) -> None:
        if len(self._saved.verified.problems) < MOST_SHOWN:
            self._saved.verified.problems.append(
                Problem(problem=problem, what=expected.what, key=expected.key, detail=detail)
            )

    def _say(self) -> None:
        verified = self._saved.verified
        found = verified.missing + verified.corrupt
        message = f"{verified.files:,} files" + (f", {found:,} missing or corrupt" if found else "")
        # One byte is kept for the end: files that are no recordings are in nobody's sum.
        self._context.progress(min(verified.bytes, self._total), self._total + 1, message)

    def _save(self) -> None:
        """Now and then: from here a restart goes on, and here other work goes first. Raises Postponed."""
        self._say()
        if time.monotonic() < self._next_save:
            return
        self._next_save = time.monotonic() + SAVE_SECONDS
        self._context.note(SAVED, self._saved.model_dump())
        with self._context.sessions() as session:
            queue = jobs.queue_of(self._context.claim.kind)
            if jobs.waiting(session, queue, at_most=1):
                raise Postponed("Lets other work go first.", seconds=1.0)


def verify(context: JobContext) -> None:
    """Reads every original, model and dataset, compares them with the database, and lists what is wrong."""
    verified = Verification(context).run()
    with context.completion(verified.model_dump()):
        pass


def _last_saved(session: Session, job_id: str) -> Saved:
    query = select(JobEvent.data).where(JobEvent.job_id == job_id, JobEvent.kind == SAVED)
    data = session.scalar(query.order_by(JobEvent.id.desc()).limit(1))
    return Saved.model_validate(data) if data else Saved()


def _recordings(session: Session, after: str) -> list[Expected]:
    rows = select(
        Recording.id, Recording.original_name, Recording.original_key, Recording.sha256, Recording.prepared_key
    )
    page = session.execute(rows.where(Recording.id > after).order_by(Recording.id).limit(AT_ONCE))
    return [Expected(row[0], f"recording {row[0]} ({row[1]})", row[2], row[3], row[4]) for row in page]


def _models(session: Session, after: str) -> list[Expected]:
    page = session.scalars(select(Model).where(Model.id > after).order_by(Model.id).limit(AT_ONCE))
    return [one for model in page for one in _files_of(model)]


def _files_of(model: Model) -> Iterator[Expected]:
    name = f"model {model.name} {model.version}"
    yield Expected(model.id, name, model.file_key, model.sha256)
    for kind, key in sorted(model.files.items()):
        yield Expected(model.id, f"{name}, {kind}", key, None)


def _datasets(session: Session, after: str) -> list[Expected]:
    rows = select(Dataset.id, Dataset.name, Dataset.file_key, Dataset.sha256)
    page = session.execute(rows.where(Dataset.id > after).order_by(Dataset.id).limit(AT_ONCE))
    return [Expected(row[0], f"dataset {row[1] or row[0]}", row[2], row[3]) for row in page]


_PAGES = {"recordings": _recordings, "models": _models, "datasets": _datasets}
