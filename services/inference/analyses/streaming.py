"""Files that are written while they are sent: a writer in a thread, a pipe, and nothing whole in memory or on disk."""

import asyncio
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import BinaryIO

from services.inference.results.formats import Format
from services.inference.results.model import About, RecordingResult, Result
from services.inference.results.names import safe_path
from shared.errors import Overloaded

BLOCK_BYTES = 1 << 16
MOST_AT_ONCE = 8

Write = Callable[[BinaryIO], None]


class Streams:
    """The files that are being sent, at most so many at once: each has a thread."""

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._left = most

    def refuse_when_full(self) -> None:
        """Raises Overloaded, while there is a status left to say it by."""
        if self._left <= 0:
            raise Overloaded("As many results as can be sent at once are being sent.", hint="Try again in a moment.")

    @contextmanager
    def _place(self) -> Iterator[None]:
        self._left -= 1
        try:
            yield
        finally:
            self._left += 1

    async def sent(self, write: Write) -> AsyncIterator[bytes]:
        """What `write` writes, as it comes. It waits for who reads, and ends when nobody does any more.

        What it raises is raised behind the last byte: then the answer breaks off, and nobody takes it for whole.
        """
        with self._place():
            async for block in _through_a_pipe(write):
                yield block


async def _through_a_pipe(write: Write) -> AsyncIterator[bytes]:
    source, target = os.pipe()
    errors: list[BaseException] = []

    def produce() -> None:
        with suppress(BrokenPipeError), open(target, "wb", BLOCK_BYTES) as file:
            try:
                write(file)
            except BaseException as error:
                errors.append(error)

    stream = asyncio.StreamReader(BLOCK_BYTES)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream),
        open(source, "rb", 0),  # noqa: ASYNC230, SIM115 (the transport closes it)
    )
    Thread(target=produce, name="results", daemon=True).start()
    try:
        while block := await stream.read(BLOCK_BYTES):
            yield block
    finally:
        transport.close()
    if errors:
        raise errors[0]


def write_zip(results: Iterable[tuple[int, Result]], form: Format, about: About, file: BinaryIO) -> None:
    """A file for each recording that could be heard, into a ZIP that need not seek, in folders as the recordings lie.

    Where two would have one name, as systems that ignore case see it, the later one's position is added.
    """
    taken: set[str] = set()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for position, result in results:
            if isinstance(result, RecordingResult):
                path = safe_path(result.file)
                if path.casefold() in taken:
                    path = f"{path}_{position}"
                taken.add(path.casefold())
                name = f"{path}{form.suffix}"
                with archive.open(name, "w", force_zip64=True) as entry:
                    form.write([result], about, entry)  # type: ignore[arg-type] # (typeshed calls it IO[bytes])
