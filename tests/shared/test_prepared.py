"""Prepared audio that is gone is made anew from the original, the same to the byte."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from shared.db.engine import SyncSessions
from shared.db.tables import Recording
from shared.errors import NotFound
from shared.prepared import PreparedAudio, decode_original, decoder, prepared_audio, prepared_key_of
from shared.settings import Settings
from shared.storage import Storage, Stored, storage_from
from tests.support.sounds import RATE, SPECIES, chirps


@pytest.fixture(scope="module", autouse=True)
def _decoder_ends() -> Iterator[None]:
    yield
    decoder().close()
    decoder.cache_clear()


def add(storage: Storage, path: Path) -> Stored:
    with path.open("rb") as stream:
        return storage.add_content("originals", stream, path.suffix)


@pytest.fixture
def song(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "song.flac", chirps(SPECIES[0], 6.0), RATE)
    return tmp_path / "song.flac"


@pytest.mark.parametrize("kind", ["directory", "s3"])
def test_what_was_pruned_comes_back_as_it_was(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    recordings = request.getfixturevalue("recordings")
    real = sorted(path for path in recordings.rglob("*.*") if path.suffix in (".mp3", ".ogg", ".flac"))[0]
    settings = request.getfixturevalue("s3_settings") if kind == "s3" else Settings(data_dir=tmp_path)
    storage = storage_from(settings)
    original = add(storage, real)
    key = prepared_key_of(original.sha256)
    decode_original(storage, settings, original.key, key)
    before = storage.existing(key).read_bytes()
    storage.delete(key)
    assert prepared_audio(storage, settings, original.key, key).read_bytes() == before
    assert storage.exists(key)


def test_what_is_there_is_not_decoded_again(song: Path, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    storage = storage_from(settings)
    original = add(storage, song)
    key = prepared_key_of(original.sha256)
    first = prepared_audio(storage, settings, original.key, key)
    storage.delete(original.key)
    assert prepared_audio(storage, settings, original.key, key) == first


def test_without_its_original_nothing_comes_back_and_the_original_is_named(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with pytest.raises(NotFound, match=r"originals/a\.wav"):
        prepared_audio(storage_from(settings), settings, "originals/a.wav", "prepared/a.wav")


def test_a_dataset_finds_the_original_by_the_prepared_key(
    sessions: SyncSessions, database_settings: Settings, song: Path
) -> None:
    storage = storage_from(database_settings)
    original = add(storage, song)
    with sessions.begin() as session:
        session.add(
            Recording(
                sha256=original.sha256,
                original_key=original.key,
                original_name=song.name,
                size=original.size,
                source="folder",
            )
        )
    audio = PreparedAudio(storage, database_settings, sessions)
    assert audio.path(prepared_key_of(original.sha256)).is_file()
    with pytest.raises(NotFound):
        audio.path(prepared_key_of("0" * 64))
