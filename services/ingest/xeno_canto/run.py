"""An ingestion from Xeno-canto: the search, the choice, then one download after another."""

import shutil
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from services.ingest.pressure import make_room
from services.ingest.taking import store_original, take
from services.ingest.xeno_canto import downloads
from services.ingest.xeno_canto.client import NAME, Client
from services.ingest.xeno_canto.errors import DownloadFailed, DownloadForbidden, XenoCantoUnavailable
from services.ingest.xeno_canto.listing import choose_all, known_recording, list_all
from services.ingest.xeno_canto.records import Record
from services.ingest.xeno_canto.source import XenoCantoSource
from shared import jobs
from shared.audio.formats import identify
from shared.db.base import now
from shared.db.tables import IngestionItem
from shared.errors import ChiffchaffError, InvalidInput
from shared.worker import JobContext, Postponed

FOLDER = "xeno-canto"
FAILURES_IN_A_ROW = 3
FORBIDDEN_IN_A_ROW = 10
"""So many at once are no single files that are kept back: whoever goes on asking is a nuisance."""
KEPT_SECONDS = 7 * 86_400
"""How long a file that was begun is kept for an ingestion that never went on."""
TURN = timedelta(minutes=5)
"""How long it keeps a worker while other imports wait for one."""
REASONS_SHOWN = 3


def run_xeno_canto(context: JobContext, ingestion_id: str, source: XenoCantoSource) -> None:
    """Takes in what the search finds and the choice leaves. Safe to run again: it goes on where it was.

    Raises:
        InvalidInput: when nothing of it can be used.
        KeyRefused, SearchRefused: when Xeno-canto refuses the search.
        XenoCantoUnavailable: when it is to be tried again later.
    """
    queries = source.resolved(context.settings)
    with Client(context) as client:
        list_all(client, ingestion_id, queries, nothing_follows=source.dry_run)
        summary = choose_all(context, ingestion_id, source)
        if source.dry_run:
            with context.completion({"dry_run": True, "summary": summary}) as session:
                session.execute(delete(IngestionItem).where(IngestionItem.ingestion_id == ingestion_id))
            return
        _require_some(summary)
        folder = context.settings.scratch_dir / FOLDER / ingestion_id
        _sweep(folder.parent)
        _Downloads(client, ingestion_id, summary["chosen"], folder).run()
        shutil.rmtree(folder, ignore_errors=True)
    _conclude(context, ingestion_id, summary)


@dataclass(frozen=True)
class _Waiting:
    row: int
    failed_before: bool


class _Downloads:
    """The files that wait, one after another."""

    def __init__(self, client: Client, ingestion_id: str, total: int, folder: Path) -> None:
        self._client = client
        self._context = client.context
        self._ingestion_id = ingestion_id
        self._total = total
        self._again = 0
        self._last_reason = ""
        self._folder = folder

    def run(self) -> None:
        """Raises XenoCantoUnavailable when some could not be had and are worth another try."""
        waiting = self._waiting()
        began = now()
        in_a_row: list[tuple[_Waiting, ChiffchaffError]] = []
        for position, one in enumerate(waiting):
            self._report(self._total - len(waiting) + position)
            make_room(self._context)
            self._let_others_go_first(began)
            if error := self._take_one(one.row):
                in_a_row.append((one, error))
                failed = sum(isinstance(kind, DownloadFailed) for _, kind in in_a_row)
                if failed == FAILURES_IN_A_ROW or len(in_a_row) == FORBIDDEN_IN_A_ROW:
                    raise XenoCantoUnavailable(f"{error.detail} So it went with {len(in_a_row)} files in a row.")
            else:
                self._set_aside(in_a_row)
                in_a_row = []
        self._set_aside(in_a_row)
        if self._again:
            raise XenoCantoUnavailable(f"Files that could not be downloaded yet: {self._again}. {self._last_reason}")

    def _waiting(self) -> list["_Waiting"]:
        """Those that failed before come last."""
        failed = IngestionItem.error_code.is_not(None)
        query = select(IngestionItem.id, failed).where(
            IngestionItem.ingestion_id == self._ingestion_id, IngestionItem.outcome == "waiting"
        )
        with self._context.sessions() as session:
            return [_Waiting(*found) for found in session.execute(query.order_by(failed, IngestionItem.id))]

    def _report(self, done: int) -> None:
        self._client.doing = f"Downloading from {NAME}: {done + 1:,} of {self._total:,}"
        self._context.progress(done, self._total, self._client.doing)

    def _let_others_go_first(self, began: datetime) -> None:
        if now() - began < TURN:
            return
        with self._context.sessions() as session:
            queue = jobs.queue_of(self._context.claim.kind)
            if jobs.waiting(session, queue, at_most=1):
                raise Postponed("Lets another import go first.", seconds=1.0)

    def _take_one(self, row: int) -> ChiffchaffError | None:
        """Returns why the file did not come where others tell what that means; else its row says what became of it."""
        with self._context.sessions() as session:
            record = Record(session.get_one(IngestionItem, row).details or {})
            known = known_recording(session, str(record.number))
        part = self._folder / f"{record.name}.part"
        try:
            if known:
                self._flip(row, outcome="known", recording_id=known)
            else:
                downloads.download(self._client, record.file, part)
                self._take_in(row, record, part)
        except (DownloadFailed, DownloadForbidden) as error:
            return error
        except ChiffchaffError as error:
            self._flip(row, outcome="refused", error_code=error.code, error=str(error))
        downloads.discard(part)
        return None

    def _take_in(self, row: int, record: Record, part: Path) -> None:
        identify(part)
        item = record.item(part)
        with part.open("rb") as stream:
            stored = store_original(self._context.storage, stream, item.name)
        with self._context.transaction() as session:
            taken = take(
                session,
                item,
                stored,
                source="xeno-canto",
                priority=jobs.Priority.BULK,
                max_attempts=self._context.settings.max_attempts,
                parent_id=self._context.claim.job_id,
            )
            values = {"outcome": "known" if taken.known else "accepted", "label": taken.recording.label}
            if taken.known and item.label != taken.recording.label:
                values["error_code"] = "known-by-other-label"
                values["error"] = f"The same sound is in the library already, as {taken.recording.label}; that stays."
            _write(session, row, **values, recording_id=taken.recording.id, job_id=taken.job_id)

    def _flip(self, row: int, **values: Any) -> None:
        with self._context.transaction() as session:
            _write(session, row, **values)

    def _set_aside(self, failures: list[tuple[_Waiting, ChiffchaffError]]) -> None:
        """Files that alone would not come: they are tried once more when all else is done, then refused."""
        for one, error in failures:
            for_good = one.failed_before or isinstance(error, DownloadForbidden)
            outcome = "refused" if for_good else "waiting"
            self._flip(one.row, outcome=outcome, error_code=error.code, error=str(error))
            if not for_good:
                self._again += 1
                self._last_reason = error.detail


def _write(session: Session, row: int, **values: Any) -> None:
    """What was known of a file that waits is kept for as long as it waits."""
    values = {"error_code": None, "error": None, **values}
    if values["outcome"] != "waiting":
        values["details"] = None
    session.execute(update(IngestionItem).where(IngestionItem.id == row).values(values))


def _sweep(folder: Path) -> None:
    """Removes what ingestions left behind that were cancelled or given up."""
    for left in folder.glob("*"):
        if left.stat().st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _require_some(summary: dict[str, Any]) -> None:
    if not summary["listed"]:
        raise InvalidInput(f"{NAME} has no recording for this search.", hint="Ask for less: fewer fields find more.")
    if not summary["chosen"] and not summary["known"]:
        reasons = " ".join(f"{one['recordings']}: {one['reason']}" for one in summary["left_out"])
        raise InvalidInput(f"None of the {summary['listed']} recordings found can come in. {reasons}")


def _conclude(context: JobContext, ingestion_id: str, summary: dict[str, Any]) -> None:
    mine = IngestionItem.ingestion_id == ingestion_id
    with context.sessions() as session:
        query = select(IngestionItem.outcome, func.count()).where(mine).group_by(IngestionItem.outcome)
        counts: dict[str, int] = {row[0]: row[1] for row in session.execute(query)}
        refused = select(IngestionItem.path, IngestionItem.error).where(mine, IngestionItem.outcome == "refused")
        reasons = [f"{path}: {error}" for path, error in session.execute(refused.limit(REASONS_SHOWN))]
    files = sum(counts.get(outcome, 0) for outcome in ("accepted", "known", "refused"))
    if counts.get("refused", 0) == files:
        raise InvalidInput(f"None of the {files} files could be used. {' '.join(reasons)}")
    context.progress(summary["chosen"], summary["chosen"], "")
    with context.completion({"files": files, **counts, "summary": summary}):
        pass
