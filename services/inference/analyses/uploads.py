"""Several recordings in one multipart form, each stored as it arrives; of none is more in memory than a block."""

import errno
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from services.inference.results.model import writable
from services.inference.upload import BLOCK_BYTES, FILE_FIELDS
from shared.errors import BodyTooLarge, InvalidInput, StorageFull
from shared.settings import Settings
from shared.storage import Storage

PREFIX = "analyses"
LONGEST_NAME = 500
HOW = "Send files as `curl -F audio=@a.wav -F audio=@b.wav 'URL/analyses?merge=0'`."


@dataclass(frozen=True)
class Uploaded:
    """A file that is in the storage; `name` is what its sender calls it, and no path of this machine."""

    name: str
    key: str
    size: int


class _Form:
    """What the parser calls: one file is open at a time, and in the storage at its end."""

    def __init__(self, storage: Storage, settings: Settings, owner: str) -> None:
        self.files: list[Uploaded] = []
        self.whole = False
        self._storage = storage
        self._suffix = f".{owner}"
        self._scratch = settings.scratch_dir
        self._most_files = settings.analysis_max_files
        self._most_bytes = settings.max_upload_mb << 20
        self._header: tuple[bytearray, bytearray] = bytearray(), bytearray()
        self._disposition = b""
        self._name = ""
        self._file: BinaryIO | None = None

    def on_part_begin(self) -> None:
        self._disposition = b""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def on_header_end(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        name.clear()
        value.clear()

    def on_headers_finished(self) -> None:
        """Refuses what is no file here: a text of 2 GB would otherwise be read until it can be refused."""
        _, options = parse_options_header(self._disposition)
        field = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options:
            raise InvalidInput(
                f"The form holds more than recordings: {field[:80] or 'a part without a name'}.",
                hint=f"Parameters go into the URL, and the path of a file begins with @. {HOW}",
            )
        if field not in FILE_FIELDS:
            raise InvalidInput(f"The form holds a file in the field {field[:80]!r}; the field is `audio`.", hint=HOW)
        if len(self.files) >= self._most_files:
            raise BodyTooLarge(
                f"The form holds more than {self._most_files:,} files, as many as are taken at once.",
                hint="Send several analyses, or put the recordings in a folder and analyse that. "
                "An operator can raise CHIFFCHAFF_ANALYSIS_MAX_FILES.",
            )
        named = options[b"filename"].decode("utf-8", "backslashreplace")[:LONGEST_NAME]
        self._name = str(writable(named)) or "upload"
        self._file = tempfile.TemporaryFile(dir=self._scratch)  # noqa: SIM115 (it is open until its part ends)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        file = self._open
        file.write(data[start:end])
        if file.tell() > self._most_bytes:
            raise BodyTooLarge(
                f"{self._name} is larger than {self._most_bytes >> 20} MiB, the most that a file may have here.",
                hint="Send it compressed (FLAC), or put it in a folder and analyse that. "
                "An operator can raise CHIFFCHAFF_MAX_UPLOAD_MB.",
            )

    def on_part_end(self) -> None:
        with self._open as file:
            file.seek(0)
            stored = self._storage.add_content(PREFIX, file, self._suffix)
        self._file = None
        self.files.append(Uploaded(self._name, stored.key, stored.size))

    def on_end(self) -> None:
        self.whole = True

    @property
    def _open(self) -> BinaryIO:
        if self._file is None:
            raise RuntimeError("a part has a file once its headers are read")
        return self._file

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()
        remove(self._storage, self.files)


def remove(storage: Storage, files: list[Uploaded]) -> None:
    for file in files:
        storage.delete(file.key)


@asynccontextmanager
async def received(request: Request, storage: Storage, settings: Settings, owner: str) -> AsyncIterator[list[Uploaded]]:
    """The files of the form, stored for `owner`, an analysis to be. They are removed when the block fails.

    Raises:
        InvalidInput: when the form holds anything but files in the field `audio`, or breaks off.
        BodyTooLarge: when one of them is too large, or they are too many; from the body limit, when all are too large.
        StorageFull: when there is no room for them.
    """
    form = _Form(storage, settings, owner)
    try:
        await _parse(request, form)
        yield form.files
    except OSError as error:
        await run_in_threadpool(form.discard)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StorageFull("There is no room for the files.", hint="Try again later; nothing was stored.") from error
    except BaseException:
        await run_in_threadpool(form.discard)
        raise


async def _parse(request: Request, form: _Form) -> None:
    _, options = parse_options_header(request.headers.get("content-type", ""))
    names = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end", "headers_finished")
    callbacks: Any = {f"on_{name}": getattr(form, f"on_{name}") for name in (*names, "end")}
    try:
        parser = MultipartParser(options.get(b"boundary", b""), callbacks)
        waiting = bytearray()
        async for piece in request.stream():
            waiting += piece
            if len(waiting) >= BLOCK_BYTES:
                await run_in_threadpool(parser.write, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(parser.write, bytes(waiting))
        parser.finalize()
    except (FormParserError, UnicodeError) as error:
        raise InvalidInput(f"The multipart form cannot be read: {error}.", hint=HOW) from error
    if not form.whole:
        raise InvalidInput("The multipart form breaks off before its end.", hint=HOW)
    if not form.files:
        raise InvalidInput("The form holds no file.", hint=HOW)
