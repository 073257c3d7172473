"""Analyses: long or many recordings are heard as jobs, and their results kept in every format."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from services.inference.analyses.creating import Order, about_of, create
from services.inference.analyses.keeping import results
from services.inference.analyses.listing import require_recordings
from services.inference.analyses.lookup import WHO_REMOVES_ALL, NotHeardYet, analysis_of, count_of, visible
from services.inference.analyses.moving import AnalysisTeller
from services.inference.analyses.parts import HEAR
from services.inference.analyses.removing import REMOVE
from services.inference.analyses.requests import (
    BODY_DESCRIPTION,
    FORM,
    UPLOAD,
    FolderSource,
    LibrarySource,
    may_use,
    media_type,
    read_source,
)
from services.inference.analyses.streaming import Streams, Write, write_zip
from services.inference.analyses.uploads import received, remove
from services.inference.analyses.views import AnalysisView, ResultsDocument, analysis_events, analysis_view
from services.inference.results.formats import FORMATS
from services.inference.results.model import About
from services.inference.schemas import ClassifyQuery
from shared import jobs
from shared import storage as stores
from shared.db.base import new_id, now
from shared.db.engine import AsyncSessions
from shared.db.tables import FINAL_STATES, Analysis
from shared.errors import InvalidInput
from shared.http.accepting import IdempotencyHeader, accept
from shared.http.auth import Calling, needs, require
from shared.http.callers import Caller
from shared.http.moves import LastEventId, moves_told
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.preferred import Accept, preferred
from shared.http.pressure import require_room
from shared.http.resources import Config, Reads, Storage, Writes
from shared.settings import Settings

router = APIRouter(prefix="/analyses", tags=["analyses"], dependencies=[needs("classify", "ingest", "train")])

FormatName = Literal[
    "json", "jsonl", "csv", "parquet", "raven", "raven-combined", "audacity", "kaleidoscope", "checklist", "birdnet-csv"
]
ZIP = "application/zip"
BY_MEDIA_TYPE: dict[str, FormatName | None] = {
    "application/json": None,
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/jsonl": "jsonl",
    "text/tab-separated-values": "raven-combined",
}
"""What `Accept` may ask for; the first is the analysis itself."""
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_SENT = [*BY_MEDIA_TYPE, "text/plain", ZIP][1:]


async def get_streams(request: Request) -> Streams:
    streams: Streams = request.app.state.streams
    return streams


Sending = Annotated[Streams, Depends(get_streams)]


@router.post(
    "",
    status_code=202,
    response_model=AnalysisView,
    summary="Hear long or many recordings",
    openapi_extra=BODY_DESCRIPTION,
)
async def create_analysis(
    request: Request,
    query: Annotated[ClassifyQuery, Query()],
    caller: Calling,
    settings: Config,
    storage: Storage,
    reads: Reads,
    writes: Writes,
    key: IdempotencyHeader = None,
) -> JSONResponse:
    """Of files that come along (`audio`, repeated), of recordings of the library, or of a folder on the server.

    The answer comes at once; `GET` its `Location` for how far it is, and with `?format=csv` for what was heard.
    """
    await require_room(settings, storage, reads, kind=HEAR, waiting="parts of analyses wait to be heard")
    if media_type(request) == FORM:
        return await _of_files(request, query, caller, settings, storage, reads, writes, key)
    source = await read_source(request)
    may_use(request, caller, source.source)

    def prepare(session: Session) -> Order:
        if isinstance(source, LibrarySource):
            require_recordings(session, source.recordings or [])
        analysis_id = new_id()
        about, model_id = about_of(session, analysis_id, source.parameters)
        return Order(analysis_id, source.model_dump(mode="json", exclude_unset=True), about, model_id)

    if isinstance(source, FolderSource):
        await run_in_threadpool(_require_folder, source.resolved(settings))
    async with reads() as session:
        order = await session.run_sync(prepare)
    made = partial(create, order=order, caller=caller, settings=settings)
    return await accept(request, writes, key, order.source, made)


async def _of_files(
    request: Request,
    query: ClassifyQuery,
    caller: Caller,
    settings: Settings,
    storage: stores.Storage,
    reads: AsyncSessions,
    writes: AsyncSessions,
    key: str | None,
) -> JSONResponse:
    """What is wrong with the query is said before hours of sound have been sent."""
    may_use(request, caller, UPLOAD["source"])
    analysis_id = new_id()
    async with reads() as session:
        about, model_id = await session.run_sync(about_of, analysis_id, query)
    async with received(request, storage, settings, analysis_id) as files:
        order = Order(analysis_id, UPLOAD, about, model_id, files)
        content = [query.model_dump(mode="json"), [(file.name, stores.sha256_in(file.key)) for file in files]]
        made = partial(create, order=order, caller=caller, settings=settings)
        answer = await accept(request, writes, key, content, made)
        if answer.headers["location"] != f"/analyses/{analysis_id}":
            # The answer of the first time: these files came once more.
            await run_in_threadpool(remove, storage, files)
    return answer


@router.get("", summary="The analyses, newest first")
async def list_analyses(caller: Calling, reads: Reads, limit: Limit = 50, cursor: Cursor = None) -> Page[AnalysisView]:
    """A key that may only classify sees its own."""

    def read(session: Session) -> Page[AnalysisView]:
        query = select(Analysis).where(Analysis.removed_at.is_(None), visible(caller))
        rows, following = page_of(session, query, Analysis, limit, cursor)
        return Page(items=[analysis_view(session, row) for row in rows], next=following)

    async with reads() as session:
        return await session.run_sync(read)


@router.get("/events", response_class=EventSourceResponse, summary="What moves among the analyses, as they move")
async def watch_analyses(
    caller: Calling, reads: Reads, last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """For pages that list them. A key that may only classify is told of its own.

    `reload` comes first, and whenever too much has moved to be told one by one: then ask for the list anew. `analyses`
    are those that have moved, at most once a second, as `GET /analyses` shows them.
    """
    async for event in moves_told(reads, last_event_id, AnalysisTeller(caller)):
        yield event


@router.get(
    "/{analysis_id}",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The analysis, or its results in the format that is asked for",
            "model": AnalysisView | ResultsDocument,
            "content": dict.fromkeys(_SENT, _BINARY),
        }
    },
    summary="How far an analysis is; or its results, in any format",
)
async def get_analysis(
    analysis_id: str,
    caller: Calling,
    settings: Config,
    reads: Reads,
    sending: Sending,
    format: Annotated[
        FormatName | None, Query(description="The results in this format; else what `Accept` says, or the analysis")
    ] = None,
    so_far: Annotated[bool, Query(description="Also while it runs: of those recordings that are done")] = False,
    accept: Accept = "",
) -> Response:
    """Results are in the order of the recordings; `docs/result-formats.md` describes the formats.

    Of a format that has a file for each recording, several recordings come as a ZIP. While the analysis runs, results
    are refused (409) unless they are asked for `so_far`. One that was cancelled has those that were heard.
    """

    def read(session: Session) -> tuple[AnalysisView, About, int]:
        analysis = analysis_of(session, caller, analysis_id)
        return analysis_view(session, analysis), About.model_validate(analysis.about), count_of(session, analysis)

    async with reads() as session:
        view, about, recordings = await session.run_sync(read)
    chosen = format or BY_MEDIA_TYPE[preferred(accept, tuple(BY_MEDIA_TYPE))]
    if chosen is None:
        return JSONResponse(view.model_dump(mode="json"), headers={"Vary": "Accept"})
    if view.state not in FINAL_STATES and not so_far:
        raise NotHeardYet(
            f"The analysis is {view.state}: {view.counts.waiting:,} of {view.counts.recordings:,} recordings wait.",
            hint=f"Follow /analyses/{analysis_id}/events, or ask with so_far=true for those that are done.",
        )
    sending.refuse_when_full()
    write, media_type, name = _file_of(chosen, about, recordings, settings)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}
    return StreamingResponse(sending.sent(write), media_type=media_type, headers=headers)


def _file_of(chosen: FormatName, about: About, recordings: int, settings: Settings) -> tuple[Write, str, str]:
    """What writes the results, and the media type and the name of the file."""
    form = FORMATS[chosen]
    if form.holds == "one recording" and recordings > 1:
        return (
            lambda file: write_zip(results(settings, about.id), form, about, file),
            ZIP,
            f"analysis-{about.id[:8]}.{chosen}.zip",
        )
    return (
        lambda file: form.write((result for _, result in results(settings, about.id)), about, file),
        form.media_type,
        f"analysis-{about.id[:8]}{form.suffix}",
    )


@router.delete(
    "/{analysis_id}",
    status_code=204,
    response_class=Response,
    responses={202: {"model": AnalysisView, "description": "It is being stopped; what was heard stays"}},
    summary="Stop an analysis; or remove one that has ended, with its uploads and results",
)
async def delete_analysis(
    analysis_id: str, request: Request, caller: Calling, settings: Config, writes: Writes
) -> Response:
    """202: it was still running, and stops within seconds. 204: it had ended, and is gone. Files that were not uploaded
    for it (of the library, of a folder) are never touched. One's own, or with `ingest` any."""

    def write(session: Session) -> AnalysisView | None:
        analysis = analysis_of(session, caller, analysis_id)
        if analysis.made_by != caller.id:
            require(request, caller, WHO_REMOVES_ALL)
        if analysis_view(session, analysis).state not in FINAL_STATES:
            jobs.cancel(session, analysis.job_id)
            return analysis_view(session, analysis)
        analysis.removed_at = now()
        payload = {"analysis_id": analysis.id}
        jobs.submit(session, REMOVE, payload, max_attempts=settings.max_attempts, priority=jobs.Priority.BULK)
        return None

    async with writes.begin() as session:
        view = await session.run_sync(write)
    return Response(status_code=204) if view is None else JSONResponse(view.model_dump(mode="json"), 202)


async def known_analysis(analysis_id: str, caller: Calling, reads: Reads) -> str:
    """Raises NotFound here, before a stream has begun: later, there is no status left to say it by."""
    async with reads() as session:
        return (await session.run_sync(analysis_of, caller, analysis_id)).id


@router.get("/{analysis_id}/events", response_class=EventSourceResponse, summary="How far it is, as it changes")
async def watch_analysis(
    analysis_id: Annotated[str, Depends(known_analysis)], reads: Reads
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events `analysis`, each the analysis as `GET /analyses/{id}` shows it, until it has ended."""
    async for event in analysis_events(reads, analysis_id):
        yield event


def _require_folder(path: Path) -> None:
    if not path.is_dir():
        raise InvalidInput(f"There is no folder {path}.", hint="Name a folder that the server can read.")
