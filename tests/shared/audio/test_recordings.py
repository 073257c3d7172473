"""The chain on real recordings: every one decodes, and in every one a bird is found."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shared.audio.decode import decode
from shared.audio.segment import segment
from shared.audio.slices import slice_recording

GARDEN = Path(__file__).parents[4] / "shared" / "data" / "garden20"
RECORDINGS = sorted(GARDEN.glob("*.mp3"))
needs_recordings = pytest.mark.skipif(not RECORDINGS, reason="the garden20 recordings are not on this machine")


@needs_recordings
def test_every_garden_recording_has_a_signal_slice() -> None:
    shares = []
    for path in RECORDINGS:
        samples, report = decode(path)
        found = segment(samples)
        slices = slice_recording(len(samples), found)
        assert not report.warnings, path.name
        assert any(chosen.kind == "signal" for chosen in slices), path.name
        shares.append(sum(one.end - one.start for one in found if one.kind == "signal") / len(samples))
    # The recordings were cut around a song, which fills a good part of each.
    assert 0.3 < float(np.median(shares)) < 0.6


@needs_recordings
@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3", "m4a", "webm", "ogg-opus"])
def test_a_garden_recording_is_nearly_the_same_in_every_format(recording: Callable[..., Path], kind: str) -> None:
    path = next(path for path in RECORDINGS if path.name.startswith("turdus-merula"))
    original, _ = decode(path)
    samples, report = decode(recording(kind, original, rate=22_050))
    length = min(len(samples), len(original))
    assert length == pytest.approx(len(original), abs=2_300)
    assert np.corrcoef(samples[:length], original[:length])[0, 1] > 0.97
    assert report.warnings == ()
