"""Synthetic sound, and every format it comes in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import numpy.typing as npt
import pytest

from tests.support.sound_files import RATE, Sound, whistles, write_any

# How long an example takes is the machine's affair, not a test's.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture
def song() -> Callable[..., Sound]:
    """Makes sound: `song(3.0)`, at 44,100 Hz."""
    return whistles


@pytest.fixture
def recording(tmp_path: Path) -> Callable[..., Path]:
    """Makes a sound file of a kind: `recording("mp3", seconds=3)`, or of given samples. Its name tells nothing."""

    def make(
        kind: str,
        samples: npt.NDArray[Any] | None = None,
        *,
        seconds: float = 3.0,
        rate: int = RATE,
        options: dict[str, str] | None = None,
    ) -> Path:
        content = whistles(seconds, rate) if samples is None else samples
        path = tmp_path / f"recording-{len(list(tmp_path.iterdir()))}.bin"
        return write_any(path, content, rate, kind, options)

    return make
