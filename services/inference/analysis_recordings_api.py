"""The recordings of an analysis: what was heard in each, its sound, and pieces of that."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from services.inference.analyses.lookup import analysis_of, recording_of, require_heard, require_json
from services.inference.analyses.views import RecordingLine, RecordingOutcome, recording_lines
from services.inference.results.model import About, Result
from services.inference.results.names import name_of_recording
from services.inference.results.snippets import extract_stretch
from services.inference.results.text import split_path
from shared.audio.cutting import Kind
from shared.db.tables import AnalysisRecording
from shared.heard_sound import sound_at, sound_of
from shared.http.asked import MOST_INT
from shared.http.auth import Calling, needs
from shared.http.pages import Limit, Page
from shared.http.resources import Config, Reads, Storage
from shared.http.sounds import Cutting, Second, answer_with, media_type_of

router = APIRouter(
    prefix="/analyses/{analysis_id}/recordings",
    tags=["analyses"],
    dependencies=[needs("classify", "ingest", "train")],
)


@router.get("", summary="The recordings of an analysis in their order, and what came out")
async def list_recordings_of_analysis(
    analysis_id: str,
    caller: Calling,
    reads: Reads,
    outcome: RecordingOutcome | None = None,
    limit: Limit = 50,
    cursor: Annotated[int | None, Query(ge=0, le=MOST_INT, description="`next` of the page before")] = None,
) -> Page[RecordingLine]:
    """`outcome=failed` are those that could not be heard, with the reason."""

    def read(session: Session) -> Page[RecordingLine]:
        return recording_lines(session, analysis_of(session, caller, analysis_id), outcome, limit, cursor)

    async with reads() as session:
        return await session.run_sync(read)


@router.get(
    "/{position}", response_model=Result, summary="All that was heard in one recording, or why nothing could be"
)
async def get_recording_of_analysis(analysis_id: str, position: int, caller: Calling, reads: Reads) -> Response:
    """409 while it waits."""

    def read(session: Session) -> AnalysisRecording:
        return recording_of(session, analysis_of(session, caller, analysis_id), position)

    async with reads() as session:
        row = await session.run_sync(read)
    return Response(await run_in_threadpool(require_json, row), media_type="application/json")


@router.get("/{position}/audio", response_class=FileResponse, summary="The recording as it came")
async def get_audio_of_analysis(
    analysis_id: str, position: int, caller: Calling, settings: Config, reads: Reads, storage: Storage
) -> FileResponse:
    """Parts of it by `Range`."""

    def read(session: Session) -> AnalysisRecording:
        return recording_of(session, analysis_of(session, caller, analysis_id), position)

    async with reads() as session:
        row = await session.run_sync(read)
    path = await run_in_threadpool(sound_at, row, storage, settings)
    media_type = await run_in_threadpool(media_type_of, path)
    return FileResponse(path, media_type=media_type, filename=split_path(row.file)[1])


@router.get("/{position}/snippet", response_class=FileResponse, summary="Some seconds of the recording")
async def get_snippet(
    analysis_id: str,
    position: int,
    caller: Calling,
    settings: Config,
    reads: Reads,
    storage: Storage,
    cutting: Cutting,
    start: Second,
    end: Second,
    format: Kind = "wav",
) -> FileResponse:
    """At the recording's own rate, with all its channels, up to ten minutes; its tags say what was detected there."""

    def read(session: Session) -> tuple[AnalysisRecording, About]:
        analysis = analysis_of(session, caller, analysis_id)
        return recording_of(session, analysis, position), About.model_validate(analysis.about)

    async with reads() as session:
        row, about = await session.run_sync(read)

    def write(path: Path) -> None:
        result = require_heard(row)
        with sound_of(row, storage, settings) as source:
            extract_stretch(source, result, about, path, start, end, format)

    name = f"{name_of_recording(row.file)}_{start:.3f}-{end:.3f}.{format}"
    return await answer_with(write, name, format, settings, cutting)
