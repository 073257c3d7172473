"""One embedded stack for all tests that do it no harm, and recordings to send to it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.stack import Stack, running

LONG_SECONDS = 16 * 60
RATE = 22_050


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("stack")) as made:
        yield made


@pytest.fixture(scope="session")
def garden_recording(recordings: Path) -> Path:
    """A chaffinch, 7 s of MP3."""
    return min((recordings / "garden20").glob("fringilla-coelebs-*.mp3"))


@pytest.fixture(scope="session")
def long_recording(garden_recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chaffinch in the first seconds and in the last minute of sixteen, with next to nothing between."""
    samples, rate = soundfile.read(garden_recording, always_2d=True, dtype="float32")
    song = samples.mean(axis=1)[:: round(rate / RATE)]
    sound = np.random.default_rng(1).normal(0, 1e-4, LONG_SECONDS * RATE).astype("float32")
    for start in (0, (LONG_SECONDS - 50) * RATE):
        sound[start : start + len(song)] += song
    path = tmp_path_factory.mktemp("long") / "dawn.flac"
    soundfile.write(path, sound, RATE)
    return path
