"""Recordings: one is uploaded; what the library holds, to search, to correct, to hear and to look at."""

from typing import Annotated, BinaryIO

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from services.ingest.corrections import Correction, correct
from services.ingest.detail import RecordingDetail, detail_of
from services.ingest.library import find_recording
from services.ingest.pictures import (
    PictureQuery,
    Pictures,
    PngResponse,
    StillWanted,
    entity_tag,
    picture_of,
    require_prepared,
)
from services.ingest.taking import PREPARE, store_original, take
from services.ingest.upload import UploadFields, item_of, read_upload
from services.ingest.views import NewRecording, RecordingCount, RecordingView
from shared import jobs
from shared import storage as stores
from shared.audio.formats import identify_open
from shared.db.base import now
from shared.db.tables import Recording
from shared.filters import RecordingFilters, conditions
from shared.http.accepting import IdempotencyHeader, Made, accept
from shared.http.auth import needs
from shared.http.job_views import JobView
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.pressure import require_room
from shared.http.resources import Config, Reads, Storage, Writes

ONLY_WHO_FILLS_IT = [needs("ingest")]
router = APIRouter(prefix="/recordings", tags=["library"], dependencies=[needs("ingest", "train")])


class RecordingQuery(RecordingFilters):
    limit: Limit = 50
    cursor: Cursor = None


def _store(storage: stores.Storage, stream: BinaryIO, name: str) -> stores.Stored:
    """Raises NotAudio or EmptyAudio: whoever sends a picture by mistake is told at once, not by a job."""
    identify_open(stream)
    stream.seek(0)
    return store_original(storage, stream, name)


@router.post(
    "",
    status_code=202,
    response_model=NewRecording,
    summary="Upload one recording",
    dependencies=ONLY_WHO_FILLS_IT,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["audio"],
                        "properties": {
                            "audio": {"type": "string", "format": "binary"},
                            "annotations": {"type": "string", "format": "binary"},
                            **UploadFields.model_json_schema()["properties"],
                        },
                    }
                }
            },
        }
    },
)
async def upload_recording(
    request: Request, settings: Config, storage: Storage, writes: Writes, key: IdempotencyHeader = None
) -> JSONResponse:
    """Stores the file, answers, and prepares it in the background. The same content twice is one recording."""
    await require_room(settings, storage, writes, kind=PREPARE, waiting="recordings wait to be prepared")
    upload, fields, annotations = await read_upload(request)
    item = item_of(upload, fields, annotations)
    try:
        stored = await run_in_threadpool(_store, storage, upload.file, item.name)
    finally:
        await upload.close()

    def make(session: Session) -> Made:
        taken = take(
            session,
            item,
            stored,
            source="upload",
            priority=jobs.Priority.PERSON,
            max_attempts=settings.max_attempts,
            parent_id=None,
        )
        job = jobs.get(session, taken.job_id) if taken.job_id else None
        body = NewRecording(
            recording=RecordingView.of(taken.recording),
            known=taken.known,
            restored=taken.restored,
            job=JobView.of(job) if job else None,
        )
        return Made(f"/recordings/{taken.recording.id}", body)

    return await accept(request, writes, key, [stored.sha256, fields.model_dump(mode="json"), annotations], make)


@router.get("", summary="The recordings that the filters name, newest first")
async def list_recordings(wanted: Annotated[RecordingQuery, Query()], reads: Reads) -> Page[RecordingView]:
    """Filters narrow each other; several values of one filter (`?quality=A&quality=B`) widen it."""

    def read(session: Session) -> Page[RecordingView]:
        query = select(Recording).where(*conditions(session, wanted))
        rows, following = page_of(session, query, Recording, wanted.limit, wanted.cursor)
        return Page(items=[RecordingView.of(row) for row in rows], next=following)

    async with reads() as session:
        return await session.run_sync(read)


@router.get("/count", summary="How many recordings the filters name")
async def count_recordings(wanted: Annotated[RecordingFilters, Query()], reads: Reads) -> RecordingCount:
    def read(session: Session) -> RecordingCount:
        query = select(func.count(), func.sum(Recording.seconds), func.sum(Recording.signal_seconds))
        count, seconds, signal = session.execute(query.where(*conditions(session, wanted))).one()
        return RecordingCount(
            recordings=count, seconds=round(seconds or 0.0, 1), signal_seconds=round(signal or 0.0, 1)
        )

    async with reads() as session:
        return await session.run_sync(read)


@router.get("/{recording_id}", summary="A recording, with its first sections and slices; also a deleted one")
async def get_recording(recording_id: str, reads: Reads) -> RecordingDetail:
    async with reads() as session:
        return await session.run_sync(lambda sync: detail_of(sync, find_recording(sync, recording_id)))


@router.patch("/{recording_id}", dependencies=ONLY_WHO_FILLS_IT, summary="Correct what the source said")
async def correct_recording(
    recording_id: str, correction: Correction, settings: Config, writes: Writes
) -> RecordingView:
    """Datasets and models that are made already keep what they were made with."""

    def write(session: Session) -> RecordingView:
        row = find_recording(session, recording_id)
        correct(session, row, correction, max_attempts=settings.max_attempts)
        return RecordingView.of(row)

    async with writes.begin() as session:
        return await session.run_sync(write)


@router.delete(
    "/{recording_id}",
    dependencies=ONLY_WHO_FILLS_IT,
    summary="Take a recording out of lists, statistics and new datasets",
)
async def delete_recording(recording_id: str, writes: Writes) -> RecordingView:
    """Its file stays, for what was made with it. Doing it twice is harmless; `restore` undoes it."""

    def write(session: Session) -> RecordingView:
        row = find_recording(session, recording_id)
        row.deleted_at = row.deleted_at or now()
        return RecordingView.of(row)

    async with writes.begin() as session:
        return await session.run_sync(write)


@router.post("/{recording_id}/restore", dependencies=ONLY_WHO_FILLS_IT, summary="Put a deleted recording back")
async def restore_recording(recording_id: str, writes: Writes) -> RecordingView:
    def write(session: Session) -> RecordingView:
        row = find_recording(session, recording_id)
        row.deleted_at = None
        return RecordingView.of(row)

    async with writes.begin() as session:
        return await session.run_sync(write)


@router.get(
    "/{recording_id}/spectrogram.png",
    response_class=PngResponse,
    responses={304: {"description": "The picture is the one that `If-None-Match` names"}},
    summary="A picture of what was found in a recording",
)
async def get_spectrogram(
    recording_id: str,
    query: Annotated[PictureQuery, Query()],
    settings: Config,
    reads: Reads,
    storage: Storage,
    drawing: Pictures,
    still_wanted: StillWanted,
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Waveform, spectrogram, masks, sections and slices on one time axis; masks for up to two minutes."""

    async with reads() as session:
        row = await session.run_sync(find_recording, recording_id)
        require_prepared(row)
        tag = entity_tag(row, query)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in (offered.strip().removeprefix("W/") for offered in if_none_match.split(",")):
            return Response(status_code=304, headers=headers)
        picture = await session.run_sync(picture_of, storage, settings, row, query)
    return PngResponse(await drawing.draw(picture, still_wanted), headers=headers)
