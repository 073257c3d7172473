"""Opening a file of a source to copy it: what is copied is what was listed, or nothing."""

import io
import os
from pathlib import Path

from shared.errors import ChiffchaffError
from shared.walk import Version


class UnreadableFile(ChiffchaffError):
    code = "unreadable-file"
    status = 422
    title = "A file cannot be read"


class ChangedFile(ChiffchaffError):
    code = "changed-file"
    status = 422
    title = "A file changed while it was read"


class SteadyFile(io.BufferedReader):
    """A file that ends in an error instead of an end when it is not what was listed (any more).

    Raises:
        ChangedFile: when opened and at its end, when it was replaced, grew or shrank since.
        UnreadableFile: when the disk it lies on fails; OSError when it cannot be opened.
    """

    def __init__(self, path: Path, version: Version | None) -> None:
        super().__init__(io.FileIO(path, opener=_open_at_once))
        self._path = path
        self._version = version or Version.of(os.fstat(self.fileno()))
        self._check()

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            block = super().read(size)
        except OSError as error:
            raise UnreadableFile(f"{self._path.name} cannot be read to its end: {error.strerror}.") from error
        if not block or size is None or size < 0:
            self._check()
        return block

    def _check(self) -> None:
        if Version.of(os.fstat(self.fileno())) != self._version:
            self.close()
            raise ChangedFile(
                f"{self._path.name} changed since it was listed.",
                hint="Is it still being written? Ingest the folder again when it is finished.",
            )


def _open_at_once(path: str, flags: int) -> int:
    """A pipe that took the place of the file since must not hold everything up."""
    return os.open(path, flags | os.O_NONBLOCK)
