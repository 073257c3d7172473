"""Files are there whole or not at all."""

import hashlib
import io
from pathlib import Path

import pytest

from shared.errors import NotFound
from shared.storage import FileStorage


@pytest.fixture
def storage(tmp_path: Path) -> FileStorage:
    return FileStorage(tmp_path / "storage")


def test_content_is_named_by_its_hash_and_stored_once(storage: FileStorage) -> None:
    content = b"song" * 1_000_000
    first = storage.add_content("originals", io.BytesIO(content), ".wav")
    second = storage.add_content("originals", io.BytesIO(content), ".wav")
    assert first == second
    assert first.sha256 == hashlib.sha256(content).hexdigest()
    assert first.size == len(content)
    assert storage.existing(first.key).read_bytes() == content
    assert len([path for path in storage.root.rglob("*") if path.is_file()]) == 1, "no partial file is left"


def test_a_write_that_fails_leaves_the_file_before(storage: FileStorage) -> None:
    with storage.writing("a/b.txt") as part:
        part.write_text("before")

    def write_half() -> None:
        with storage.writing("a/b.txt") as part:
            part.write_text("half of it")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_half()
    assert storage.existing("a/b.txt").read_text() == "before"
    assert [path.name for path in (storage.root / "a").iterdir()] == ["b.txt"]


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "a/../../outside", ""])
def test_a_key_cannot_leave_the_storage(storage: FileStorage, key: str) -> None:
    with pytest.raises(ValueError, match="not a storage key"):
        storage.path(key)


def test_a_missing_file_is_a_problem_with_a_hint(storage: FileStorage) -> None:
    with pytest.raises(NotFound) as caught:
        storage.existing("originals/none")
    assert caught.value.hint
