"""The ingest worker: walks a source, takes each file in, and lists those that it could not take with the reason."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol, assert_never

from pydantic import TypeAdapter
from sqlalchemy import func, select

from services.ingest.annotations import read_annotations
from services.ingest.classes import class_warnings
from services.ingest.folder import FolderFiles
from services.ingest.items import Item
from services.ingest.manifest import ManifestFiles
from services.ingest.opening import SteadyFile, UnreadableFile
from services.ingest.preparing import PREPARE_ANEW, prepare_anew
from services.ingest.pressure import make_room
from services.ingest.requests import FolderSource, ManifestSource, Source
from services.ingest.retention import prune
from services.ingest.reviewing import TAKE_IN, take_in
from services.ingest.taking import Taken, store_original, take
from services.ingest.verification import VERIFY, verify
from services.ingest.xeno_canto.run import run_xeno_canto
from services.ingest.xeno_canto.source import XenoCantoSource
from shared import species
from shared.audio.formats import identify, is_audio_name
from shared.db.tables import Ingestion, IngestionItem
from shared.errors import ChiffchaffError, EmptyAudio, InvalidInput, NotAudio
from shared.housekeeping import PRUNE
from shared.jobs import Priority
from shared.settings import Settings
from shared.storage import Stored
from shared.walk import LeftOut
from shared.worker import JobContext, Worker, run_worker

SOURCES: TypeAdapter[Source] = TypeAdapter(Source)
REASONS_SHOWN = 3
ITEMS_AT_ONCE = 200
USABLE = ("accepted", "known")
PROCESSES = 2
"""So that a small import need not wait for a large one, which mostly waits itself: for a disk or another server."""


class SourceFiles(Protocol):
    """What a source holds, in the same order each time. Neither counting nor reading it takes memory."""

    @property
    def classes(self) -> Mapping[str, str | None]:
        """What stands for a class there, with its label, once it has been read."""

    def count(self) -> Iterator[int]:
        """How many there are, counted up while one waits."""

    def __iter__(self) -> Iterator[Item | LeftOut]: ...


@dataclass
class _Tally:
    """How many usable recordings each label has, and which labels came with a common name."""

    usable: Counter[str] = field(default_factory=Counter)
    named: set[str] = field(default_factory=set)

    def add(self, item: Item | LeftOut, outcome: str) -> None:
        if isinstance(item, Item) and item.label:
            self.usable[item.label] += outcome in USABLE
            if item.common_name:
                self.named.add(item.label)


def run_ingestion(context: JobContext) -> None:
    """Takes every file of the ingestion in. Safe to run again: files that have an item already are passed over."""
    ingestion_id = context.payload["ingestion_id"]
    with context.sessions() as session:
        source = SOURCES.validate_python(session.get_one(Ingestion, ingestion_id).parameters)
    if isinstance(source, XenoCantoSource):
        run_xeno_canto(context, ingestion_id, source)
        return
    files = _files(source, context.settings)
    total = 0
    for total in files.count():
        context.progress(0, None, f"{total:,} files found")
    tally = _Tally()
    position = 0
    everything = iter(files)
    while some := list(islice(everything, ITEMS_AT_ONCE)):
        outcomes = _outcomes(context, ingestion_id, some)
        for item in some:
            context.progress(position, max(total, position + 1), item.name)
            if item.name not in outcomes:
                outcomes[item.name] = _deal_with(context, ingestion_id, source, item)
            tally.add(item, outcomes[item.name])
            position += 1
    context.progress(position, position, "")
    _conclude(context, ingestion_id, tally, files.classes)


def _files(source: FolderSource | ManifestSource, settings: Settings) -> SourceFiles:
    root = source.resolved(settings)
    within = settings.library_dir.resolve() if settings.library_dir else None
    match source:
        case FolderSource():
            return FolderFiles(root, within, recordist=source.recordist, licence=source.licence)
        case ManifestSource():
            return ManifestFiles(root, within, source.select)
        case _:
            assert_never(source)


def _outcomes(context: JobContext, ingestion_id: str, items: Sequence[Item | LeftOut]) -> dict[str, str]:
    """What became, in an earlier run, of those that were met then."""
    query = select(IngestionItem.path, IngestionItem.outcome).where(
        IngestionItem.ingestion_id == ingestion_id, IngestionItem.path.in_([item.name for item in items])
    )
    with context.sessions() as session:
        return {row.path: row.outcome for row in session.execute(query)}


def _deal_with(
    context: JobContext, ingestion_id: str, source: FolderSource | ManifestSource, item: Item | LeftOut
) -> str:
    """Takes it in, or notes why not. Returns its outcome."""
    if isinstance(item, LeftOut):
        return _leave_out(context, ingestion_id, item)
    make_room(context)
    try:
        stored = _store(context, item)
    except ChiffchaffError as error:
        # A folder holds all kinds of things; what a manifest lists, and what is called .wav, is meant as a recording.
        stray = isinstance(source, FolderSource) and not is_audio_name(item.name)
        if stray and isinstance(error, NotAudio | EmptyAudio):
            left_out = LeftOut(item.name, "skipped", "not-a-recording", error.detail, item.label)
        else:
            left_out = LeftOut(item.name, "refused", error.code, str(error), item.label)
        return _leave_out(context, ingestion_id, left_out)
    return _take_in(context, ingestion_id, source.source, item, stored)


def _store(context: JobContext, item: Item) -> Stored:
    try:
        identify(item.path)
        stream = SteadyFile(item.path, item.version)
    except OSError as error:
        raise UnreadableFile(f"{item.name} cannot be read: {error.strerror}.") from error
    with stream:
        return store_original(context.storage, stream, item.name)


def _take_in(context: JobContext, ingestion_id: str, source: str, item: Item, stored: Stored) -> str:
    marked, warning = read_annotations(item.annotation_files, item.path.name)
    item = replace(item, annotations=(*item.annotations, *marked))
    with context.transaction() as session:
        taken = take(
            session,
            item,
            stored,
            source=source,
            priority=Priority.BULK,
            max_attempts=context.settings.max_attempts,
            parent_id=context.claim.job_id,
        )
        row = _item_row(ingestion_id, item, taken)
        if warning:
            row.error_code = row.error_code or "unreadable-annotations"
            row.error = " ".join(filter(None, (row.error, warning)))
        session.add(row)
        return row.outcome


def _item_row(ingestion_id: str, item: Item, taken: Taken) -> IngestionItem:
    row = IngestionItem(
        ingestion_id=ingestion_id,
        path=item.name,
        label=taken.recording.label,
        outcome="known" if taken.known else "accepted",
        recording_id=taken.recording.id,
        job_id=taken.job_id,
    )
    if taken.restored:
        row.error_code = "restored"
        row.error = "It had been deleted, and is in the library again."
    elif taken.known and item.label and species.resolve(item.label).scientific != taken.recording.label:
        row.error_code = "known-by-other-label"
        row.error = f"The same sound is in the library already, as {taken.recording.label}; that stays."
    return row


def _leave_out(context: JobContext, ingestion_id: str, one: LeftOut) -> str:
    with context.transaction() as session:
        session.add(
            IngestionItem(
                ingestion_id=ingestion_id,
                path=one.name,
                label=one.label,
                outcome=one.outcome,
                error_code=one.code,
                error=one.reason,
            )
        )
    return one.outcome


def _conclude(context: JobContext, ingestion_id: str, tally: _Tally, classes: Mapping[str, str | None]) -> None:
    mine = IngestionItem.ingestion_id == ingestion_id
    with context.transaction() as session:
        query = select(IngestionItem.outcome, func.count()).where(mine)
        counts: dict[str, int] = {row[0]: row[1] for row in session.execute(query.group_by(IngestionItem.outcome))}
        refused = select(IngestionItem.path, IngestionItem.error).where(mine, IngestionItem.outcome == "refused")
        reasons = [f"{path}: {error}" for path, error in session.execute(refused.limit(REASONS_SHOWN))]
        ingestion = session.get_one(Ingestion, ingestion_id)
        ingestion.warnings = class_warnings(session, tally.usable, classes, tally.named)
        source = ingestion.source
    if not any(counts.get(outcome) for outcome in USABLE):
        raise _nothing_usable(source, counts, reasons)
    with context.completion({"files": sum(counts.values()), **counts}):
        pass


def _nothing_usable(source: str, counts: Mapping[str, int], reasons: Sequence[str]) -> InvalidInput:
    if refused := counts.get("refused", 0):
        return InvalidInput(f"None of the {refused} files could be used. {' '.join(reasons)}")
    if source == "manifest":
        return InvalidInput(
            "The manifest lists no recordings.", hint="Each line below the first names one; `select` may leave none."
        )
    others = f", only {counts['skipped']:,} other files" if counts.get("skipped") else ""
    return InvalidInput(f"The source holds no recordings{others}.", hint="Put them into sub-folders named by species.")


WORKER = Worker(
    queue="ingest",
    handlers={
        "ingest.run": run_ingestion,
        PREPARE_ANEW: prepare_anew,
        TAKE_IN: take_in,
        VERIFY: verify,
        PRUNE: prune,
    },
)


def main() -> None:
    run_worker(Settings(), "ingest", [WORKER], concurrency=PROCESSES)


if __name__ == "__main__":
    main()
