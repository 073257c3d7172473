"""The contract of every storage: objects are there whole or not at all."""

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import NotFound
from shared.settings import Settings
from shared.storage import FileStorage, Storage, storage_from


@pytest.fixture(params=["directory", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "s3":
        made: Settings = request.getfixturevalue("s3_settings")
        return made
    (tmp_path / "storage").mkdir()
    return Settings(data_dir=tmp_path)


@pytest.fixture
def storage(settings: Settings) -> Storage:
    return storage_from(settings)


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path) -> Storage:
    """The same storage as another machine sees it."""
    if not settings.storage_is_s3:
        return FileStorage(settings.storage_dir)
    return storage_from(Settings.model_validate({**settings.model_dump(), "data_dir": tmp_path / "elsewhere"}))


def write(storage: Storage, key: str, content: bytes) -> None:
    with storage.writing(key) as part:
        part.write_bytes(content)


def test_what_is_written_here_is_read_elsewhere(storage: Storage, elsewhere: Storage) -> None:
    write(storage, "models/garden/1/model.pt", b"a model")
    assert elsewhere.exists("models/garden/1/model.pt")
    assert elsewhere.size("models/garden/1/model.pt") == 7
    assert elsewhere.existing("models/garden/1/model.pt").read_bytes() == b"a model"
    with elsewhere.reading("models/garden/1/model.pt") as path:
        assert path.read_bytes() == b"a model"
    with elsewhere.open("models/garden/1/model.pt") as stream:
        assert (stream.read(2), stream.read()) == (b"a ", b"model")


def test_content_is_named_by_its_hash_and_stored_once(storage: Storage, elsewhere: Storage) -> None:
    content = b"song" * 1_000_000
    first = storage.add_content("originals", io.BytesIO(content), ".wav")
    second = storage.add_content("originals", io.BytesIO(content), ".wav")
    assert first == second
    assert first.sha256 == hashlib.sha256(content).hexdigest()
    assert first.size == len(content)
    assert elsewhere.existing(first.key).read_bytes() == content
    assert list(elsewhere.keys()) == [first.key]
    assert not list(storage.incoming.iterdir()), "no partial file is left"


def test_a_file_can_be_copied_in_and_is_still_there(storage: Storage, elsewhere: Storage, tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("# garden")
    storage.copy_in("models/garden/1/card.md", tmp_path / "card.md")
    assert elsewhere.existing("models/garden/1/card.md").read_text() == "# garden"
    assert (tmp_path / "card.md").read_text() == "# garden"


def test_an_empty_file_is_a_file(storage: Storage, elsewhere: Storage) -> None:
    write(storage, "a/empty", b"")
    assert elsewhere.size("a/empty") == 0
    assert elsewhere.existing("a/empty").read_bytes() == b""
    with elsewhere.open("a/empty") as stream:
        assert stream.read() == b""


def test_a_write_that_fails_leaves_what_was_before(storage: Storage, elsewhere: Storage) -> None:
    write(storage, "a/b.txt", b"before")

    def write_half() -> None:
        with storage.writing("a/b.txt") as part:
            part.write_text("half of it")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_half()
    assert elsewhere.existing("a/b.txt").read_text() == "before"
    assert storage.existing("a/b.txt").read_text() == "before"
    assert list(storage.keys()) == ["a/b.txt"]
    assert not list(storage.incoming.iterdir())


def test_writing_again_replaces(storage: Storage, elsewhere: Storage) -> None:
    write(storage, "a/b.txt", b"before")
    write(storage, "a/b.txt", b"after")
    assert storage.existing("a/b.txt").read_bytes() == elsewhere.existing("a/b.txt").read_bytes() == b"after"


def test_what_is_deleted_is_gone_but_who_has_it_open_reads_on(storage: Storage) -> None:
    write(storage, "a/b.txt", b"sound")
    with storage.existing("a/b.txt").open("rb") as file:
        storage.delete("a/b.txt")
        assert file.read() == b"sound"
    assert not storage.exists("a/b.txt")
    with pytest.raises(NotFound):
        storage.existing("a/b.txt")
    storage.delete("a/b.txt")


def test_a_listing_names_what_is_below_a_folder(storage: Storage) -> None:
    names = [f"prepared/{n:02x}/{n}.wav" for n in range(5)]
    for name in [*names, "prepared-not/1.wav", "originals/00/0.mp3"]:
        write(storage, name, b"12345")
    assert sorted(storage.keys("prepared")) == names
    assert {entry.size for entry in storage.entries("prepared")} == {5}
    assert len(list(storage.keys())) == 7
    assert list(storage.keys("nothing")) == []


def test_a_listing_shows_no_files_in_the_making_and_no_work(storage: Storage) -> None:
    storage.work.mkdir(parents=True)
    (storage.work / "checkpoint.pt").write_bytes(b"1")
    with storage.writing("a/b.txt") as part:
        part.write_text("half of it")
        assert list(storage.keys()) == []
        assert not storage.exists("a/b.txt")


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "a/../../outside", "", "incoming/a", "work/b"])
def test_a_key_cannot_leave_the_storage(storage: Storage, key: str) -> None:
    for use in (storage.existing, storage.exists, storage.size, storage.open, storage.delete):
        with pytest.raises(ValueError, match="not a storage key"):
            use(key)
    with pytest.raises(ValueError, match="not a storage key"), storage.writing(key):
        pass


def test_a_missing_file_is_a_problem_with_a_hint(storage: Storage) -> None:
    for use in (storage.existing, storage.size, storage.open):
        with pytest.raises(NotFound) as caught:
            use("originals/none")
        assert caught.value.hint
    with pytest.raises(NotFound), storage.reading("originals/none"):
        pass


def test_a_storage_that_is_well_says_so(storage: Storage) -> None:
    assert storage.check()


def test_what_a_killed_process_left_half_made_goes_after_a_day(settings: Settings, storage: Storage) -> None:
    storage.incoming.mkdir(parents=True)
    old, new = storage.incoming / "old.part", storage.incoming / "new.part"
    for part in (old, new):
        part.write_text("half of it")
    os.utime(old, (0, 0))
    storage_from(settings)
    assert list(storage.incoming.iterdir()) == [new]


LARGE_MB = 64
MOVE = """
import resource, sys
from pathlib import Path
from shared.settings import Settings
from shared.storage import storage_from

class Sound:
    left = {bytes}
    def read(self, size):
        size = min(size, self.left)
        self.left -= size
        return bytes(size)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

here, elsewhere = storage_from(Settings()), storage_from(Settings(data_dir=Path(sys.argv[1])))
for storage in (here, elsewhere):
    storage.exists("warm/up")
before = peak()
key = here.add_content("originals", Sound(), ".wav").key
with here.open(key) as stream:
    while stream.read(1 << 20):
        pass
assert elsewhere.existing(key).stat().st_size == {bytes}
print(peak() - before)
"""


def test_memory_does_not_grow_with_an_object(settings: Settings, tmp_path: Path) -> None:
    environment = {
        "CHIFFCHAFF_DATA_DIR": str(settings.data_dir),
        "CHIFFCHAFF_STORAGE_URL": settings.storage_url or f"file://{settings.storage_dir}",
        "CHIFFCHAFF_S3_ENDPOINT_URL": settings.s3_endpoint_url,
        "CHIFFCHAFF_S3_REGION": "us-east-1",
        "CHIFFCHAFF_S3_ACCESS_KEY": settings.s3_access_key.get_secret_value(),
        "CHIFFCHAFF_S3_SECRET_KEY": settings.s3_secret_key.get_secret_value(),
    }
    script = MOVE.replace("{bytes}", str(LARGE_MB << 20))
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "elsewhere")],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(done.stdout) < LARGE_MB * 0.85, "megabytes"
