"""Recordings: one is uploaded; what the library holds, to read, to hear and to look at."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from services.ingest.pictures import PictureQuery, Pictures, PngResponse, entity_tag, picture_of, require_prepared
from services.ingest.pressure import require_room
from services.ingest.taking import store_original, take
from services.ingest.upload import item_of, read_upload
from services.ingest.views import NewRecording, RecordingDetail, RecordingView
from shared import jobs
from shared.db.tables import Recording
from shared.errors import NotFound
from shared.http.accepting import IdempotencyHeader, Made, accept
from shared.http.auth import KeyRequired
from shared.http.job_views import JobView
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.resources import Config, Reads, Storage, Writes

router = APIRouter(prefix="/recordings", tags=["library"], dependencies=[KeyRequired])


@router.post(
    "",
    status_code=202,
    response_model=NewRecording,
    summary="Upload one recording",
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
                            **{name: {"type": "string"} for name in ("label", "recordist", "licence", "secondary")},
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
    await require_room(settings, storage, writes)
    upload, fields = await read_upload(request)
    item = item_of(upload, fields)
    try:
        stored = await run_in_threadpool(store_original, storage, upload.file, item.name)
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
            recording=RecordingView.of(taken.recording), known=taken.known, job=JobView.of(job) if job else None
        )
        return Made(f"/recordings/{taken.recording.id}", body)

    return await accept(request, writes, key, [stored.sha256, fields.model_dump()], make)


@router.get("", summary="The recordings, newest first")
async def list_recordings(
    reads: Reads,
    species: Annotated[str | None, Query(description="Scientific name")] = None,
    prepared: Annotated[bool | None, Query(description="Only those that are (not) prepared")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[RecordingView]:
    query = select(Recording)
    if species is not None:
        query = query.where(Recording.label == species)
    if prepared is not None:
        query = query.where(Recording.prepared_at.is_not(None) if prepared else Recording.prepared_at.is_(None))

    def read(session: Session) -> Page[RecordingView]:
        rows, following = page_of(session, query, Recording, limit, cursor)
        return Page(items=[RecordingView.of(row) for row in rows], next=following)

    async with reads() as session:
        return await session.run_sync(read)


@router.get("/{recording_id}", summary="A recording with its sections and slices")
async def get_recording(recording_id: str, reads: Reads) -> RecordingDetail:
    whole = (selectinload(Recording.sections), selectinload(Recording.slices))
    async with reads() as session:
        row = await session.get(Recording, recording_id, options=whole)
    if row is None:
        raise _no_recording(recording_id)
    return RecordingDetail.of(row)


@router.get("/{recording_id}/audio", response_class=FileResponse, summary="The original file")
async def get_audio(recording_id: str, reads: Reads, storage: Storage) -> FileResponse:
    async with reads() as session:
        row = await session.get(Recording, recording_id)
    if row is None:
        raise _no_recording(recording_id)
    return FileResponse(
        storage.existing(row.original_key), media_type="application/octet-stream", filename=row.original_name
    )


@router.get(
    "/{recording_id}/spectrogram.png",
    response_class=PngResponse,
    responses={304: {"description": "The picture is the one that `If-None-Match` names"}},
    summary="A picture of what was found in a recording",
)
async def get_spectrogram(
    recording_id: str,
    query: Annotated[PictureQuery, Query()],
    request: Request,
    reads: Reads,
    storage: Storage,
    drawing: Pictures,
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Waveform, spectrogram, masks, sections and slices on one time axis; masks for up to two minutes."""

    async def still_wanted() -> None:
        if await request.is_disconnected():
            raise ClientDisconnect

    async with reads() as session:
        row = await session.get(Recording, recording_id)
        if row is None:
            raise _no_recording(recording_id)
        require_prepared(row)
        tag = entity_tag(row, query)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in (offered.strip().removeprefix("W/") for offered in if_none_match.split(",")):
            return Response(status_code=304, headers=headers)
        picture = await session.run_sync(picture_of, storage, row, query)
    return PngResponse(await drawing.draw(picture, still_wanted), headers=headers)


def _no_recording(recording_id: str) -> NotFound:
    return NotFound(f"There is no recording {recording_id}.", hint="GET /recordings lists them.")
