"""Copies of objects on the local disk, since services need files to map; the processes of a machine share them."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

TRIM_SHARE = 20
"""The folder is looked through whenever a twentieth of its room has come in."""
GRACE_SECONDS = 30.0
"""From being told of a file until having opened it."""


class FileCache:
    """Files by key, up to about `max_bytes`; the least recently used go first.

    One that is held, or was used in the last `grace_seconds`, stays though the room be exceeded. One that is open or
    mapped can be read on after it went.
    """

    def __init__(self, root: Path, max_bytes: int, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self.root = root
        self._max_bytes = max_bytes
        self._grace_seconds = grace_seconds
        self._added = max_bytes  # what processes before this one left is looked through at first

    def find(self, key: str) -> Path | None:
        """The file where there is one; it counts as used now."""
        path = self.root / key
        try:
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
        except FileNotFoundError:
            return None
        return path

    def admit(self, part: Path, key: str) -> Path:
        """Moves a whole file in and makes room where too much is here."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        self._added += part.stat().st_size
        part.replace(path)
        if self._added * TRIM_SHARE >= self._max_bytes:
            self._added = 0
            self.trim()
        return path

    def drop(self, key: str) -> None:
        (self.root / key).unlink(missing_ok=True)

    def hold(self, path: Path) -> BinaryIO | None:
        """Keeps the file until what is returned is closed; None when it is gone already."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        fcntl.flock(file, fcntl.LOCK_SH)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()
        return None

    def trim(self) -> None:
        """Removes the least recently used until the rest fits."""
        files = sorted(self._files())
        excess = sum(size for _, size, _ in files) - self._max_bytes
        recent = time.time() - self._grace_seconds
        for used_at, size, path in files:
            if excess <= 0 or used_at > recent:
                return
            if _remove_unless_held(path):
                excess -= size

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        for directory, _, names in os.walk(self.root):
            for name in names:
                path = Path(directory, name)
                with suppress(FileNotFoundError):
                    status = path.stat()
                    yield status.st_atime, status.st_size, path


def _remove_unless_held(path: Path) -> bool:
    with _opened(path) as file:
        if file is None:
            return True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.unlink(missing_ok=True)
        return True


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO | None]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        yield file
