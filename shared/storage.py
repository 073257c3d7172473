"""Files that outlive a request: originals, prepared audio, datasets, models.

A key is a relative POSIX path such as `originals/3f/3f9a...c1.mp3`. Writing is atomic: a reader sees the whole file or
none. Content-addressed keys make writing twice harmless.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from shared.errors import NotFound
from shared.settings import Settings

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Stored:
    """What a copy into the storage learned about the content."""

    key: str
    sha256: str
    size: int


class FileStorage:
    """Storage in a directory that every service mounts.

    Raises:
        NotFound: when a key has no file.
        ValueError: when a key would leave the directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """Where the key's file lies, whether or not it is there yet."""
        parts = PurePosixPath(key)
        if parts.is_absolute() or ".." in parts.parts or not parts.parts:
            raise ValueError(f"{key!r} is not a storage key")
        return self.root / parts

    def existing(self, key: str) -> Path:
        path = self.path(key)
        if not path.is_file():
            raise NotFound(
                f"The storage has no file {key}.", hint="Was it deleted by hand? Ingest the recording again."
            )
        return path

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """A path to write to; it becomes the key's file when the block ends without an error."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        os.close(handle)
        part = Path(name)
        try:
            yield part
            part.chmod(0o644)
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def add_content(self, prefix: str, source: BinaryIO, suffix: str) -> Stored:
        """Copies a stream to `prefix/ab/abcd….suffix`, named by the sha256 of what it holds."""
        incoming = self.root / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=incoming, suffix=".part", delete=False) as part:
            temporary = Path(part.name)
            try:
                while block := source.read(BLOCK_BYTES):
                    digest.update(block)
                    part.write(block)
                size = part.tell()
                sha256 = digest.hexdigest()
                key = content_key(prefix, sha256, suffix)
                with self.writing(key) as target:
                    part.flush()
                    temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
        return Stored(key=key, sha256=sha256, size=size)

    def delete(self, key: str) -> None:
        self.path(key).unlink(missing_ok=True)

    def copy_in(self, key: str, source: Path) -> None:
        with self.writing(key) as target:
            shutil.copyfile(source, target)


def shortage(storage: FileStorage, settings: Settings) -> str:
    """What a person is told while the disk is nearly full; empty while it is not."""
    free_mb = shutil.disk_usage(storage.root).free >> 20
    if free_mb >= settings.min_free_disk_mb:
        return ""
    return (
        f"the disk of the storage has {free_mb:,} MB left, and {settings.min_free_disk_mb:,} MB are kept free "
        "(CHIFFCHAFF_MIN_FREE_DISK_MB)."
    )


def content_key(prefix: str, sha256: str, suffix: str) -> str:
    return f"{prefix}/{sha256[:2]}/{sha256}{suffix}"


def storage_from(settings: Settings) -> FileStorage:
    return FileStorage(settings.storage_dir)
