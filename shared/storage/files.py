"""The storage in a directory that every service mounts."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from shared.errors import NotFound, NotReady
from shared.storage.interface import INCOMING, WORK, Entry, Storage, require_key

USE_NOTED_SECONDS = 3_600.0
"""How exactly is known when a file was last used: file systems are often mounted so that they do not note it."""


class FileStorage(Storage):
    def __init__(self, root: Path) -> None:
        super().__init__(incoming=root / INCOMING, work=root / WORK)
        self.root = root

    def path(self, key: str) -> Path:
        """Where the key's file lies, whether or not it is there yet."""
        return self.root / require_key(key)

    def existing(self, key: str) -> Path:
        path = self.path(key)
        if not path.is_file():
            raise missing(key)
        _note_use(path)
        return path

    @contextmanager
    def reading(self, key: str) -> Iterator[Path]:
        yield self.existing(key)

    def open(self, key: str) -> BinaryIO:
        try:
            return self.path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError) as error:
            raise missing(key) from error

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def size(self, key: str) -> int:
        path = self.path(key)
        if not path.is_file():
            raise missing(key)
        return path.stat().st_size

    def entries(self, folder: str = "") -> Iterator[Entry]:
        top = self.path(folder) if folder else self.root
        for directory, folders, names in os.walk(top):
            if directory == str(self.root):
                folders[:] = [name for name in folders if name not in (INCOMING, WORK)]
            for name in names:
                path = Path(directory, name)
                with suppress(FileNotFoundError):  # deleted since its folder was read
                    status = path.stat()
                    key = path.relative_to(self.root).as_posix()
                    yield Entry(key, status.st_size, max(status.st_atime, status.st_mtime))

    def delete(self, key: str) -> None:
        self.path(key).unlink(missing_ok=True)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.root).free

    def check(self) -> str:
        if not self.root.is_dir():
            raise NotReady("The storage directory is missing.")
        return "file system"

    def _keep(self, part: Path, key: str) -> None:
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        part.chmod(0o644)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)


def missing(key: str) -> NotFound:
    return NotFound(f"The storage has no file {key}.", hint="Was it deleted by hand? Ingest the recording again.")


def _note_use(path: Path) -> None:
    status = path.stat()
    if status.st_atime < time.time() - USE_NOTED_SECONDS:
        with suppress(OSError):  # a mount that is only for reading
            os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))
