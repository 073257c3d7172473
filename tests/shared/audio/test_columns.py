"""Columns against the plain definition, and that their memory does not grow with the recording."""

import tracemalloc
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.audio import columns
from shared.audio.columns import FRAMES_PER_COLUMN, envelope, frames_at, loudest, mask_columns, mel_rows
from shared.audio.constants import SAMPLE_RATE
from shared.audio.segment import segment, spectrogram
from shared.audio.segmentation import CONTRAST, ORIGINAL, SPRENGEL2016, ContrastPreset, Preset
from shared.audio.wav import PreparedWriter, open_prepared
from tests.support.sounds import SPECIES, chirps

Picture = npt.NDArray[np.float32]
ALL = pytest.mark.parametrize("preset", [CONTRAST, SPRENGEL2016, ORIGINAL], ids=lambda preset: preset.name)


def noise(samples: int, seed: int = 0) -> Picture:
    return np.random.default_rng(seed).normal(0, 0.01, samples).astype(np.float32)


@given(samples=st.integers(1, 3_000), count=st.integers(1, 90), at_once=st.integers(1, 500))
@example(samples=2, count=4, at_once=1)
def test_the_envelope_holds_the_extremes_of_each_column_whatever_the_blocks(
    samples: int, count: int, at_once: int
) -> None:
    sound = noise(samples)
    edges = np.linspace(0, samples, count + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "SAMPLES_AT_ONCE", at_once)
        low, high = envelope(sound, edges)
    for index in range(count):
        first = int(edges[index])
        piece = sound[first : max(first + 1, int(edges[index + 1]))]
        assert (low[index], high[index]) == (piece.min(), piece.max())


def test_one_sample_in_an_hour_of_silence_is_seen(tmp_path: Path) -> None:
    sound = np.zeros(3_600 * SAMPLE_RATE, np.int16)
    sound[50_000_001] = -32_768
    low, high = envelope(sound, np.linspace(0, len(sound), 601))
    assert np.flatnonzero(low).tolist() == [50_000_001 * 600 // len(sound)]
    assert low.min() == -1
    assert not high.any()


@ALL
def test_a_column_shows_the_loudest_of_the_frames_whose_samples_it_covers(preset: Preset) -> None:
    sound = noise(8 * SAMPLE_RATE)
    whole = spectrogram(sound, 0, 1 + len(sound) // preset.hop, preset)
    for count in (7 * len(whole), len(whole) // 3, len(whole) // 17):
        edges = np.linspace(SAMPLE_RATE, len(sound), count + 1)
        frames = frames_at(edges, len(sound), preset)
        found = loudest(sound, edges, preset)
        for column in range(0, count, 13):
            expected = whole[frames[column] : max(frames[column] + 1, frames[column + 1])].max(axis=0)
            assert found[column] == pytest.approx(expected, rel=1e-4)


@ALL
def test_a_sample_belongs_to_the_frame_whose_section_holds_it(preset: Preset) -> None:
    sound = noise(2 * SAMPLE_RATE)
    frames = frames_at(np.arange(len(sound) + 1, dtype=np.float64), len(sound), preset)
    changes = 1 + np.flatnonzero(np.diff(frames[:-1]))
    assert changes.tolist() == [
        frame * preset.hop - preset.hop // 2 for frame in range(1, len(sound) // preset.hop + 1)
    ]


@ALL
def test_a_long_range_shows_frames_spread_over_each_column(preset: Preset) -> None:
    per_column = 50
    sound = noise(40 * per_column * preset.hop)
    sound[: len(sound) // 2] *= 10
    edges = np.linspace(0, len(sound), 41)
    whole = spectrogram(sound, 0, 1 + len(sound) // preset.hop, preset)
    frames = frames_at(edges, len(sound), preset)
    found = loudest(sound, edges, preset)
    for column in range(1, 39):
        counts = frames[column + 1] - frames[column]
        chosen = frames[column] + counts * np.arange(FRAMES_PER_COLUMN) // FRAMES_PER_COLUMN
        assert found[column] == pytest.approx(whole[chosen].max(axis=0), rel=1e-4)


@ALL
def test_masks_in_columns_are_those_that_the_sections_come_from(preset: Preset) -> None:
    short = preset.model_copy(update={"median_seconds": 2.0})
    if isinstance(short, ContrastPreset):
        # So that every pixel makes its frame signal.
        short = short.model_copy(update={"min_pixels": 1, "min_frames": 1})
    sound = chirps(SPECIES[0], 7.0)
    edges = np.arange(0, 1 + len(sound) // preset.hop, dtype=np.float64) * preset.hop
    signal, loud = mask_columns(sound, edges, short)
    assert (signal <= loud).all()
    in_section = np.zeros(len(sound), bool)
    for section in segment(sound, short):
        if section.kind == "signal":
            in_section[section.start : section.end] = True
    at = (edges[:-1]).astype(int)
    assert signal.any()
    assert in_section[at[signal.any(axis=1)]].all()
    part = slice(100, 150)
    assert np.array_equal(mask_columns(sound, edges[100:151], short)[0], signal[part])


@ALL
def test_every_bin_is_in_a_row_and_rows_rise_with_frequency(preset: Preset) -> None:
    bins = spectrogram(noise(3_000), 0, 1, preset).shape[1]
    picture = mel_rows(np.eye(bins), 230, preset)
    assert (picture.max(axis=1) == 1).all()
    assert (np.diff(picture.argmax(axis=1)) >= 0).all()


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    peaks = []
    for minutes in (10, 80):
        path = tmp_path / f"{minutes}.wav"
        with path.open("wb") as file:
            writer = PreparedWriter(file)
            for _ in range(minutes):
                writer.write(noise(60 * SAMPLE_RATE))
            writer.finish()
        samples = open_prepared(path)
        edges = np.linspace(0, len(samples), 601)
        tracemalloc.start()
        envelope(samples, edges)
        assert loudest(samples, edges, SPRENGEL2016).shape == (600, 228)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 32 << 20
    assert peaks[1] < 1.3 * peaks[0]
