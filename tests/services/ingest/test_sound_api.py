"""The sound of the library's recordings over REST: whole, and some seconds of it."""

import io
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from shared.db.engine import SyncSessions
from shared.settings import Settings
from shared.storage import storage_from
from tests.support.library import add_recording

RATE = 44_100
SECONDS = 6


@pytest.fixture
def samples() -> npt.NDArray[np.int16]:
    """Int16, (samples, 2)."""
    return np.random.default_rng(7).integers(-9_000, 9_000, (SECONDS * RATE, 2), dtype=np.int16)


@pytest.fixture
def recording(
    database_settings: Settings, sessions: SyncSessions, tmp_path: Path, samples: npt.NDArray[np.int16]
) -> str:
    soundfile.write(tmp_path / "dawn.flac", samples, RATE)
    storage_from(database_settings).copy_in("originals/dawn.flac", tmp_path / "dawn.flac")
    known = {"seconds": float(SECONDS), "channels": 2, "sample_rate": RATE, "recordist": "Ann", "licence": "CC BY 4.0"}
    return add_recording(
        sessions, "Turdus merula", original_key="originals/dawn.flac", original_name="dawn.flac", **known
    )


@pytest.mark.parametrize("kind", ["wav", "flac"])
async def test_some_seconds_are_the_very_samples_and_say_whose_they_are(
    api: httpx.AsyncClient, database_settings: Settings, recording: str, samples: npt.NDArray[np.int16], kind: str
) -> None:
    answer = await api.get(f"/recordings/{recording}/snippet", params={"start": 1, "end": 3.5, "format": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"audio/{kind}")
    assert f'filename="dawn_1.000-3.500.{kind}"' in answer.headers["content-disposition"]
    with soundfile.SoundFile(io.BytesIO(answer.content)) as sound:
        assert (sound.samplerate, sound.title, sound.artist) == (RATE, "Turdus merula", "Ann")
        np.testing.assert_array_equal(sound.read(dtype="int16"), samples[RATE : RATE * 7 // 2])
    assert not list(database_settings.scratch_dir.glob("snippet-*"))


async def test_the_last_seconds_end_with_the_recording(api: httpx.AsyncClient, recording: str) -> None:
    answer = await api.get(f"/recordings/{recording}/snippet", params={"start": 5, "end": 60})
    assert soundfile.info(io.BytesIO(answer.content)).frames == RATE


@pytest.mark.parametrize("stretch", [(2, 2), (3, 1), (0, 601), (6, 8)])
async def test_a_stretch_that_it_has_not_is_refused(
    api: httpx.AsyncClient, recording: str, stretch: tuple[float, float]
) -> None:
    start, end = stretch
    refused = await api.get(f"/recordings/{recording}/snippet", params={"start": start, "end": end})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input")


async def test_what_has_not_been_decoded_yet_is_not_cut(api: httpx.AsyncClient, sessions: SyncSessions) -> None:
    waiting = add_recording(sessions, prepared_at=None)
    refused = await api.get(f"/recordings/{waiting}/snippet", params={"start": 0, "end": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    missing = await api.get(f"/recordings/{'0' * 32}/snippet", params={"start": 0, "end": 1})
    assert missing.status_code == 404


async def test_the_whole_says_what_it_is_and_comes_in_parts(api: httpx.AsyncClient, recording: str) -> None:
    part = await api.get(f"/recordings/{recording}/audio", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.headers["content-type"], part.content) == (206, "audio/flac", b"fLaC")
