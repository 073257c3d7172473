"""What every storage can do.

A key is a relative POSIX path such as `originals/3f/3f9a...c1.mp3`. Writing is atomic: a reader sees the whole object
or none. What stands under a key does not change: content-addressed keys make writing twice harmless, and whoever has
read an object may keep a copy.
"""

import hashlib
import os
import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

BLOCK_BYTES = 1 << 20
INCOMING, WORK = "incoming", "work"
ABANDONED_SECONDS = 86_400.0
"""A file in the making that nobody has written to for so long belongs to a process that was killed."""


@dataclass(frozen=True)
class Stored:
    """What a copy into the storage learned about the content."""

    key: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Entry:
    """An object as a listing shows it."""

    key: str
    size: int
    used_at: float
    """Seconds since 1970: when it was last used, or written where the storage does not know of uses."""


class Storage(ABC):
    """Objects by key.

    Files are made in `incoming` and become objects when they are whole. `work` is for what outlives a restart and is no
    object yet, such as the checkpoints of a training.

    Every method raises ValueError for a key that is none, and where the storage is on another machine also
    StorageUnreachable (trying again may help) and StorageRefused (it does not).
    """

    def __init__(self, incoming: Path, work: Path) -> None:
        self.incoming = incoming
        self.work = work

    @abstractmethod
    def existing(self, key: str) -> Path:
        """A file with the object's content, only to be read, and soon: later it may be gone. Raises NotFound."""

    @abstractmethod
    def reading(self, key: str) -> AbstractContextManager[Path]:
        """As `existing`, for who opens the file late or several times: it stays until the block ends."""

    @abstractmethod
    def open(self, key: str) -> BinaryIO:
        """The object as a stream, from where it is kept and not from a copy. Raises NotFound."""

    @abstractmethod
    def exists(self, key: str) -> bool: ...

    @abstractmethod
    def size(self, key: str) -> int:
        """In bytes. Raises NotFound."""

    @abstractmethod
    def entries(self, folder: str = "") -> Iterator[Entry]:
        """The objects below a folder (`prepared`), all for an empty one; memory does not grow with their number."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Removes the object where there is one; who has it open reads on."""

    @abstractmethod
    def free_bytes(self) -> int | None:
        """Room that is left; None where there is no end of it."""

    @abstractmethod
    def check(self) -> str:
        """A few words about a storage that is well. Raises NotReady or one of the errors above."""

    @abstractmethod
    def _keep(self, part: Path, key: str) -> None:
        """Makes a whole file the object; the file is moved."""

    def _keep_content(self, part: Path, key: str) -> None:
        """The same for a key that is named by its content."""
        self._keep(part, key)

    def keys(self, folder: str = "") -> Iterator[str]:
        return (entry.key for entry in self.entries(folder))

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """A path to write to; it becomes the object when the block ends without an error."""
        require_key(key)
        with self._part(PurePosixPath(key).name) as part:
            yield part
            self._keep(part, key)

    def add_content(self, prefix: str, source: BinaryIO, suffix: str) -> Stored:
        """Copies a stream to `prefix/ab/abcd….suffix`, named by the sha256 of what it holds."""
        digest = hashlib.sha256()
        with self._part(prefix) as part:
            with part.open("wb") as file:
                while block := source.read(BLOCK_BYTES):
                    digest.update(block)
                    file.write(block)
                size = file.tell()
            stored = Stored(content_key(prefix, digest.hexdigest(), suffix), digest.hexdigest(), size)
            self._keep_content(part, stored.key)
        return stored

    def copy_in(self, key: str, source: Path) -> None:
        with self.writing(key) as target:
            shutil.copyfile(source, target)

    def sweep(self) -> None:
        """Removes what killed processes left half made."""
        with suppress(FileNotFoundError):
            for part in self.incoming.iterdir():
                with suppress(OSError):
                    if part.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                        part.unlink()

    @contextmanager
    def _part(self, name: str) -> Iterator[Path]:
        self.incoming.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(prefix=f"{name}.", suffix=".part", dir=self.incoming)
        os.close(handle)
        part = Path(made)
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)


def require_key(key: str) -> PurePosixPath:
    parts = PurePosixPath(key)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts or parts.parts[0] in (INCOMING, WORK):
        raise ValueError(f"{key!r} is not a storage key")
    return parts


def content_key(prefix: str, sha256: str, suffix: str) -> str:
    return f"{prefix}/{sha256[:2]}/{sha256}{suffix}"


def sha256_in(key: str) -> str:
    """The hash that a key made by `content_key` is named by; of another key its file's name without the suffix."""
    return PurePosixPath(key).name.split(".")[0]
