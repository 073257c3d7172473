"""The storage in an S3 bucket, with a folder of local copies, because services map, decode and send files."""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from s3fs import S3FileSystem

from shared.errors import NotFound
from shared.settings import Settings
from shared.storage.cache import FileCache
from shared.storage.interface import Entry, Storage, require_key
from shared.storage.s3_errors import spoken_plainly

PART_BYTES = 8 << 20
PARTS_AT_ONCE = 2
READ_BYTES = 4 << 20
MOST_PARTS = 9_000
"""S3 takes 10,000 parts of an object."""
CONNECT_SECONDS = 5
READ_SECONDS = 60


class S3Storage(Storage):
    """Objects below `s3://bucket/prefix`. An upload appears whole or not at all; memory holds a few parts of it.

    Not to be shared with a forked process.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(incoming=settings.incoming_dir, work=settings.work_dir)
        self._bucket, self._prefix = settings.s3_place
        self._cache = FileCache(settings.cache_dir, int(settings.storage_cache_gb * 1e9))
        self._s3 = _connect(settings)

    def existing(self, key: str) -> Path:
        place = self._place(key)
        if found := self._cache.find(key):
            return found
        with self._part(Path(key).name) as part:
            with self._errors(key):
                # One stream: it goes on where it broke off, and takes no memory.
                self._s3.get_file(place, str(part), max_concurrency=1)
            return self._cache.admit(part, key)

    @contextmanager
    def reading(self, key: str) -> Iterator[Path]:
        while (held := self._cache.hold(path := self.existing(key))) is None:
            continue
        with held:
            yield path

    def open(self, key: str) -> BinaryIO:
        size, place = self.size(key), self._place(key)
        with self._errors(key):
            stream = self._s3.open(place, "rb", block_size=READ_BYTES, cache_type="readahead", size=size)
        return cast(BinaryIO, io.BufferedReader(_Plain(stream, self, key), READ_BYTES))

    def exists(self, key: str) -> bool:
        try:
            self.size(key)
        except NotFound:
            return False
        return True

    def size(self, key: str) -> int:
        name = self._name(key)
        with self._errors(key):
            return int(self._call("head_object", Key=name)["ContentLength"])

    def entries(self, folder: str = "") -> Iterator[Entry]:
        more: dict[str, str] = {}
        prefix = f"{self._name(folder)}/" if folder else self._prefix
        while True:
            with self._errors():
                page = self._call("list_objects_v2", Prefix=prefix, **more)
            for one in page.get("Contents", []):
                if not one["Key"].endswith("/"):  # a "folder" that a console has made
                    key = one["Key"].removeprefix(self._prefix)
                    yield Entry(key, one["Size"], one["LastModified"].timestamp())
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        name = self._name(key)
        with self._errors(key):
            self._call("delete_object", Key=name)
        self._cache.drop(key)

    def free_bytes(self) -> None:
        return None

    def check(self) -> str:
        with self._errors():
            self._call("head_bucket")
        return f"bucket {self._bucket}"

    def _keep(self, part: Path, key: str) -> None:
        part_bytes = max(PART_BYTES, part.stat().st_size // MOST_PARTS)
        with self._errors(key):
            self._s3.put_file(str(part), self._place(key), chunksize=part_bytes, max_concurrency=PARTS_AT_ONCE)
        self._cache.admit(part, key)

    def _keep_content(self, part: Path, key: str) -> None:
        if self.exists(key) and self.size(key) == part.stat().st_size:
            self._cache.admit(part, key)
        else:
            self._keep(part, key)

    def _call(self, method: str, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._s3.call_s3(method, Bucket=self._bucket, **arguments)
        return answer

    def _errors(self, key: str = "") -> AbstractContextManager[None]:
        return spoken_plainly(self._bucket, key)

    def _name(self, key: str) -> str:
        return f"{self._prefix}{require_key(key)}"

    def _place(self, key: str) -> str:
        return f"{self._bucket}/{self._name(key)}"


class _Plain(io.RawIOBase):
    """A stream of s3fs whose errors are ours."""

    def __init__(self, stream: Any, storage: S3Storage, key: str) -> None:
        self._stream, self._storage, self._key = stream, storage, key

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._storage._errors(self._key):
            read: int = self._stream.readinto(buffer)
            return read

    def close(self) -> None:
        self._stream.close()
        super().close()


def _connect(settings: Settings) -> Any:
    """What is not set here is looked for where boto looks: its own variables, its files, the machine's role."""
    return S3FileSystem(
        endpoint_url=settings.s3_endpoint_url or None,
        key=settings.s3_access_key.get_secret_value() or None,
        secret=settings.s3_secret_key.get_secret_value() or None,
        client_kwargs={"region_name": settings.s3_region} if settings.s3_region else {},
        config_kwargs={
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
            "retries": {"max_attempts": 2, "mode": "standard"},
        },
        use_listings_cache=False,
        skip_instance_cache=True,
    )
