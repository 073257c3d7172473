"""The ingest worker: walks a source, takes each file in, and lists those that it could not take with the reason."""

from collections.abc import Iterator
from typing import assert_never

from pydantic import TypeAdapter
from sqlalchemy import func, select

from services.ingest.folder import folder_items
from services.ingest.items import Item
from services.ingest.manifest import manifest_items
from services.ingest.pressure import make_room
from services.ingest.requests import FolderSource, ManifestSource, Source
from services.ingest.retention import prune
from services.ingest.taking import Taken, store_original, take
from services.ingest.verification import verify
from services.ingest.xeno_canto.run import run_xeno_canto
from services.ingest.xeno_canto.source import XenoCantoSource
from shared.audio.formats import identify
from shared.db.tables import Ingestion, IngestionItem
from shared.errors import ChiffchaffError, InvalidInput
from shared.jobs import Priority
from shared.settings import Settings
from shared.storage import Stored
from shared.worker import JobContext, Worker, run_worker

SOURCES: TypeAdapter[Source] = TypeAdapter(Source)
REASONS_SHOWN = 3


class UnreadableFile(ChiffchaffError):
    code = "unreadable-file"
    status = 422
    title = "A file cannot be read"


def run_ingestion(context: JobContext) -> None:
    """Takes every file of the ingestion in. Safe to run again: files that have an item already are passed over."""
    ingestion_id = context.payload["ingestion_id"]
    with context.sessions() as session:
        ingestion = session.get_one(Ingestion, ingestion_id)
        source = SOURCES.validate_python(ingestion.parameters)
    if isinstance(source, XenoCantoSource):
        run_xeno_canto(context, ingestion_id, source)
        return
    with context.sessions() as session:
        done = set(session.scalars(select(IngestionItem.path).where(IngestionItem.ingestion_id == ingestion_id)))
    items = list(_items(source, context.settings))
    for position, item in enumerate(items):
        context.progress(position, len(items), item.name)
        if item.name not in done:
            done.add(item.name)
            make_room(context)
            _take_one(context, ingestion_id, source.source, item)
    context.progress(len(items), len(items), "")
    _conclude(context, ingestion_id)


def _items(source: FolderSource | ManifestSource, settings: Settings) -> Iterator[Item]:
    match source:
        case FolderSource():
            root = source.resolved(settings)
            items = folder_items(root, recordist=source.recordist, licence=source.licence)
        case ManifestSource():
            root = source.resolved(settings).parent
            items = manifest_items(source.resolved(settings), source.select)
        case _:
            assert_never(source)
    yield from items


def _take_one(context: JobContext, ingestion_id: str, source: str, item: Item) -> None:
    try:
        stored = _store(context, item)
    except ChiffchaffError as error:
        with context.transaction() as session:
            session.add(
                IngestionItem(
                    ingestion_id=ingestion_id,
                    path=item.name,
                    label=item.label,
                    outcome="refused",
                    error_code=error.code,
                    error=str(error),
                )
            )
        return
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
        session.add(_item_row(ingestion_id, item, taken))


def _store(context: JobContext, item: Item) -> Stored:
    try:
        identify(item.path)
        with item.path.open("rb") as stream:
            return store_original(context.storage, stream, item.name)
    except OSError as error:
        raise UnreadableFile(f"{item.name} cannot be read: {error.strerror}.") from error


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
    elif taken.known and item.label and item.label != taken.recording.label:
        row.error_code = "known-by-other-label"
        row.error = f"The same sound is in the library already, as {taken.recording.label}; that stays."
    return row


def _conclude(context: JobContext, ingestion_id: str) -> None:
    with context.sessions() as session:
        query = select(IngestionItem.outcome, func.count()).where(IngestionItem.ingestion_id == ingestion_id)
        counts: dict[str, int] = {row[0]: row[1] for row in session.execute(query.group_by(IngestionItem.outcome))}
        refused = select(IngestionItem.path, IngestionItem.error).where(
            IngestionItem.ingestion_id == ingestion_id, IngestionItem.outcome == "refused"
        )
        reasons = [f"{path}: {error}" for path, error in session.execute(refused.limit(REASONS_SHOWN))]
    files = sum(counts.values())
    if files == 0:
        raise InvalidInput("The source holds no files.", hint="Put recordings into sub-folders named by species.")
    if counts.get("refused", 0) == files:
        raise InvalidInput(f"None of the {files} files could be used. {' '.join(reasons)}")
    with context.completion({"files": files, **counts}):
        pass


WORKER = Worker(
    queue="ingest",
    handlers={"ingest.run": run_ingestion, "ingest.verify_storage": verify, "ingest.prune_storage": prune},
)


def main() -> None:
    run_worker(Settings(), "ingest", [WORKER], concurrency=1)


if __name__ == "__main__":
    main()
