"""The sound of a recording of the library: its original file, and stretches of it."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from services.ingest.library import find_recording
from shared.audio.cutting import Kind, credit, require_room_for_channels, stretch_of, write_stretch
from shared.db.tables import Recording
from shared.errors import Conflict
from shared.http.auth import needs
from shared.http.resources import Config, Reads, Storage
from shared.http.sounds import Cutting, Second, answer_with, media_type_of

router = APIRouter(prefix="/recordings/{recording_id}", tags=["library"], dependencies=[needs("ingest", "train")])


@router.get("/audio", response_class=FileResponse, summary="The original file")
async def get_audio(recording_id: str, reads: Reads, storage: Storage) -> FileResponse:
    """Parts of it by `Range`."""
    async with reads() as session:
        row = await session.run_sync(find_recording, recording_id)
    path = await run_in_threadpool(storage.existing, row.original_key)
    media_type = await run_in_threadpool(media_type_of, path)
    return FileResponse(path, media_type=media_type, filename=row.original_name)


@router.get("/snippet", response_class=FileResponse, summary="Some seconds of a recording")
async def get_snippet(
    recording_id: str,
    settings: Config,
    reads: Reads,
    storage: Storage,
    cutting: Cutting,
    start: Second,
    end: Second,
    format: Kind = "wav",
) -> FileResponse:
    """At the recording's own rate, with all its channels, up to ten minutes; its tags say whose it is."""
    async with reads() as session:
        row = await session.run_sync(find_recording, recording_id)
    cut = stretch_of(_seconds_of(row), start, end)
    require_room_for_channels(format, row.channels or 1)
    tags = {"title": row.label or "", **credit(format, row.recordist, row.licence)}

    def write(path: Path) -> None:
        with storage.reading(row.original_key) as source:
            write_stretch(source, cut, path, format, tags, whole=not row.warnings)

    name = f"{Path(row.original_name).stem}_{start:.3f}-{end:.3f}.{format}"
    return await answer_with(write, name, format, settings, cutting)


def _seconds_of(row: Recording) -> float:
    """Raises Conflict for a file that no decoder process has coped with: here it would be decoded in the API's own."""
    if row.prepared_at is None or row.seconds is None:
        raise Conflict(
            "The recording is not prepared: nobody knows yet whether it can be decoded.",
            hint=f"GET /recordings/{row.id} says `prepared` when it is; GET /jobs shows what keeps it.",
        )
    return row.seconds
