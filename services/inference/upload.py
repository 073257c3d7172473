"""The sound in a request's body, multipart or raw, written to a file as it arrives and never whole in memory."""

import asyncio
import shutil
from pathlib import Path

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from shared.errors import EmptyAudio, InvalidInput

FILE_FIELDS = ("audio", "file")
MAX_FIELDS = 10
BLOCK_BYTES = 1 << 20
HOW = "Send it as `curl -F audio=@recording.mp3 URL` or `curl --data-binary @recording.mp3 URL`."

_BINARY = {"type": "string", "format": "binary"}
BODY_DESCRIPTION = {
    "requestBody": {
        "required": True,
        "description": "One recording: WAV, FLAC, OGG, Opus, MP3, M4A, WebM, WMA, AIFF and others, known by content",
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"audio": _BINARY}, "required": ["audio"]}
            },
            "audio/*": {"schema": _BINARY},
            "application/octet-stream": {"schema": _BINARY},
        },
    }
}


async def receive(request: Request, target: Path) -> None:
    """Writes the one recording that the body holds to `target`.

    Anything that is no multipart form is the recording itself, whatever its content type says: `curl --data-binary`
    calls it a form.

    Raises InvalidInput when a form holds anything but one file, EmptyAudio when the body has no byte, and what the
    layers below raise while bytes arrive: BodyTooLarge, ClientDisconnect.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "multipart/form-data":
        await _receive_form(request, target)
    else:
        await _receive_raw(request, target)


async def _receive_raw(request: Request, target: Path) -> None:
    waiting, size = bytearray(), 0
    async for piece in request.stream():
        waiting += piece
        size += len(piece)
        # A write is a thread's errand: not one for every piece of 64 kB, and for a short recording a single one.
        if len(waiting) >= BLOCK_BYTES:
            await asyncio.to_thread(_append, target, waiting)
            waiting = bytearray()
    if not size:
        raise EmptyAudio("The request has no body, and so no recording.", hint=HOW)
    await asyncio.to_thread(_append, target, waiting)


async def _receive_form(request: Request, target: Path) -> None:
    try:
        async with request.form(max_files=1, max_fields=MAX_FIELDS) as form:
            upload = _only_file(form)
            await asyncio.to_thread(_copy, upload, target)
    except HTTPException as error:
        raise InvalidInput(f"The multipart form cannot be used: {error.detail}", hint=HOW) from error
    except UnicodeError as error:  # of a charset that decodes nothing
        raise InvalidInput("The multipart form's charset cannot be read.", hint=HOW) from error


def _only_file(form: FormData) -> UploadFile:
    texts = [name for name, value in form.multi_items() if not isinstance(value, UploadFile)]
    files = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
    if not files and set(texts) & set(FILE_FIELDS):
        raise InvalidInput(
            f"The field {texts[0]} holds text instead of a file.", hint=f"The path of a file begins with @. {HOW}"
        )
    if not files:
        raise InvalidInput("The form holds no file.", hint=HOW)
    name, upload = files[0]
    if name not in FILE_FIELDS:
        raise InvalidInput(f"The form holds a file in the field {name!r}; the field is `audio`.", hint=HOW)
    if texts:
        raise InvalidInput(
            f"The form holds more than the recording: {', '.join(sorted(set(texts)))}.",
            hint="Parameters go into the URL: /classify?top_k=3.",
        )
    return upload


def _append(target: Path, content: bytearray) -> None:
    with target.open("ab") as file:
        file.write(content)


def _copy(upload: UploadFile, target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(upload.file, file, BLOCK_BYTES)
