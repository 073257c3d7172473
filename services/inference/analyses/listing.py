"""The job that an analysis begins with: it lists the recordings of the source, and hands them out in parts."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from services.inference.analyses.keeping import kept, present
from services.inference.analyses.parts import HEAR, hears
from services.inference.analyses.requests import SOURCES, FolderSource, LibraryFilters, LibrarySource
from services.inference.results.model import FailedRecording
from shared import jobs
from shared.db.tables import Analysis, AnalysisRecording, Job, Recording
from shared.errors import InvalidInput, NotFound
from shared.filters import conditions
from shared.http.pages import page_of
from shared.settings import Settings
from shared.walk import Found, LeftOut, is_recording, walk
from shared.worker import JobContext

ANALYSE = "inference.analyse"
ROWS_AT_ONCE = 200
PARTS_AT_ONCE = 100
PART_RECORDINGS = 50
PART_BYTES = 64 << 20
"""A part has no more recordings, and no more bytes, than these, so that several workers share a season, a short
recording costs no job of its own, and a long one is a part by itself."""

Row = dict[str, Any]
_WAITING: Row = {"outcome": "waiting", "error_code": None, "error": None, "heard_at": None, "result": None}


def analyse(context: JobContext) -> None:
    """Run again after an interruption, it lists anew while nothing was handed out, and then goes on handing out."""
    analysis_id: str = context.payload["analysis_id"]
    with context.sessions() as session:
        analysis = present(session, analysis_id)
        handed_out = session.scalar(_parts(context).with_only_columns(func.count())) or 0
    if analysis.source["source"] != "upload" and not handed_out:
        _list(context, analysis)
    recordings = _hand_out(context, analysis)
    if not recordings:
        raise InvalidInput("The source holds no recordings.", hint="Is it the right folder, or too narrow a filter?")
    with context.completion({"recordings": recordings}):
        pass


def require_recordings(session: Session, ids: list[str]) -> None:
    """Raises NotFound when the library does not have one of them."""
    for some in _in_parts(ids):
        there = set(session.scalars(select(Recording.id).where(Recording.id.in_(some))))
        if missing := [one for one in some if one not in there]:
            raise NotFound(f"There is no recording {missing[0]}.", hint="GET /recordings lists them.")


def _list(context: JobContext, analysis: Analysis) -> None:
    mine = AnalysisRecording.analysis_id == analysis.id
    with context.transaction() as session:
        session.execute(delete(AnalysisRecording).where(mine))
    source = SOURCES.validate_python(analysis.source)
    rows = _of_library(context, source) if isinstance(source, LibrarySource) else _of_folder(source, context.settings)
    position = 0
    for some in _in_parts(rows):
        numbered = [{"analysis_id": analysis.id, "position": position + at, **row} for at, row in enumerate(some)]
        with context.transaction() as session:
            session.execute(insert(AnalysisRecording), numbered)
        position += len(some)
        context.progress(0, None, f"{position:,} recordings found")


def _of_library(context: JobContext, source: LibrarySource) -> Iterator[Row]:
    if source.recordings is not None:
        for ids in _in_parts(dict.fromkeys(source.recordings)):
            with context.sessions() as session:
                there = {one.id: one for one in session.scalars(select(Recording).where(Recording.id.in_(ids)))}
            yield from (_row(there[one]) for one in ids if one in there)
        return
    wanted, cursor = source.filters or LibraryFilters(), None
    while True:
        with context.sessions() as session:
            query = select(Recording).where(*conditions(session, wanted))
            page, cursor = page_of(session, query, Recording, ROWS_AT_ONCE, cursor)
        yield from map(_row, page)
        if cursor is None:
            return


def _row(recording: Recording) -> Row:
    return {
        "file": recording.original_name,
        "size": recording.size,
        "recording_id": recording.id,
        "storage_key": recording.original_key,
        "path": None,
        **_WAITING,
    }


def _of_folder(source: FolderSource, settings: Settings) -> Iterator[Row]:
    """What cannot be read is listed with the reason: who asked for a season should not take half of it for all."""
    root = source.resolved(settings)
    within = settings.library_dir.resolve() if settings.library_dir else None
    for one in walk(root, within):
        if isinstance(one, Found) and is_recording(one.path):
            yield {
                "file": one.name,
                "size": one.version.size,
                "recording_id": None,
                "storage_key": None,
                "path": os.fsencode(one.where),
                **_WAITING,
            }
        elif isinstance(one, LeftOut) and one.outcome == "refused":
            failed = FailedRecording(file=one.name, code=one.code, error=one.reason)
            yield {"file": one.name, "size": 0, "recording_id": None, "storage_key": None, "path": None, **kept(failed)}


def _hand_out(context: JobContext, analysis: Analysis) -> int:
    """Makes a job of each part that is none yet; returns how many recordings there are."""
    priority = jobs.Priority.NORMAL if analysis.source["source"] == "upload" else jobs.Priority.BULK
    with context.sessions() as session:
        last = session.scalar(_parts(context).with_only_columns(func.max(Job.payload["last"].as_integer())))
    following = 0 if last is None else last + 1
    cut = _cut(context, analysis.id, following)
    while some := list(islice(cut, PARTS_AT_ONCE)):
        with context.transaction() as session:
            for first, last in some:
                jobs.submit(
                    session,
                    HEAR,
                    hears(analysis.id, first, last),
                    max_attempts=context.settings.max_attempts,
                    priority=priority,
                    parent_id=context.claim.job_id,
                )
        following = some[-1][1] + 1
        context.progress(0, None, f"{following:,} recordings handed out")
    return following


def _cut(context: JobContext, analysis_id: str, following: int) -> Iterator[tuple[int, int]]:
    """The first and last position of each part, in order."""
    first, size, last = following, 0, following - 1
    for position, bytes_ in _sizes(context, analysis_id, following):
        if position > first and (position - first >= PART_RECORDINGS or size + bytes_ > PART_BYTES):
            yield first, last
            first, size = position, 0
        size, last = size + bytes_, position
    if last >= first:
        yield first, last


def _sizes(context: JobContext, analysis_id: str, following: int) -> Iterator[tuple[int, int]]:
    columns = select(AnalysisRecording.position, AnalysisRecording.size)
    query = columns.where(AnalysisRecording.analysis_id == analysis_id).order_by(AnalysisRecording.position)
    while True:
        with context.sessions() as session:
            page = session.execute(query.where(AnalysisRecording.position >= following).limit(ROWS_AT_ONCE)).all()
        if not page:
            return
        for row in page:
            yield row.position, row.size
        following = page[-1].position + 1


def _parts(context: JobContext) -> Any:
    return select(Job).where(Job.parent_id == context.claim.job_id, Job.kind == HEAR)


def _in_parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(values)
    while some := list(islice(rest, ROWS_AT_ONCE)):
        yield some
