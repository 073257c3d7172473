"""Recordings as answers: what their files are, and stretches cut out of them."""

import errno
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import soundfile
from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Query, Request
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from shared.audio.cutting import Kind
from shared.audio.formats import identify
from shared.errors import AudioError, StorageFull
from shared.settings import Settings

CUT_AT_ONCE = 2
"""Stretches: of a compressed recording all that lies before is decoded."""
MEDIA_TYPES = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mp3": "audio/mpeg",
    "mp4": "audio/mp4",
    "m4a": "audio/mp4",
    "webm": "audio/webm",
    "aiff": "audio/aiff",
}
"""Of what browsers play: they refuse to play what is said to be anything."""

Second = Annotated[float, Query(ge=0, le=10_000_000, allow_inf_nan=False)]


async def get_cutting(request: Request) -> CapacityLimiter:
    cutting: CapacityLimiter = request.app.state.cutting
    return cutting


Cutting = Annotated[CapacityLimiter, Depends(get_cutting)]


def media_type_of(path: Path) -> str:
    """By the file's content."""
    try:
        return MEDIA_TYPES.get(identify(path).name, "application/octet-stream")
    except AudioError:
        return "application/octet-stream"


async def answer_with(
    write: Callable[[Path], None], name: str, kind: Kind, settings: Settings, cutting: CapacityLimiter
) -> FileResponse:
    """The file that `write(path)` makes, which is removed once it is sent.

    Raises StorageFull where there is no room for it, and what `write` raises.
    """
    path = await to_thread.run_sync(_written, write, kind, settings, limiter=cutting)
    done = BackgroundTask(shutil.rmtree, path.parent, ignore_errors=True)
    return FileResponse(path, media_type=MEDIA_TYPES[kind], filename=name, background=done)


def _written(write: Callable[[Path], None], kind: Kind, settings: Settings) -> Path:
    """In a folder of its own, which is for the caller to remove."""
    folder = Path(tempfile.mkdtemp(prefix="snippet-", dir=settings.scratch_dir))
    path = folder / f"snippet.{kind}"
    try:
        write(path)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or isinstance(error, soundfile.LibsndfileError):
            raise StorageFull("There is no room for the snippet.", hint="Ask for a shorter one.") from error
        raise
    return path
