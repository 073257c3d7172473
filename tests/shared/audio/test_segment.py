"""Each step against a slow, plain reference written from the definition, and against pictures of known answer."""

import math
from pathlib import Path

import librosa
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio import frontend_config
from shared.audio.constants import SAMPLE_RATE
from shared.audio.frontend_config import FrontEndConfig
from shared.audio.segment import (
    median_windows,
    sections,
    segment,
    segment_with_mel,
    smooth,
    window_masks,
)
from shared.audio.segmentation import (
    CONTRAST,
    ORIGINAL,
    PRESETS,
    SPRENGEL2016,
    ClippingPreset,
    ContrastPreset,
    Preset,
)
from shared.audio.wav import PreparedWriter, as_float, open_prepared, to_pcm16
from tests.support.segmentation import noise, slow_smooth, with_tones

Picture = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
ALL = pytest.mark.parametrize("preset", [CONTRAST, SPRENGEL2016, ORIGINAL], ids=lambda preset: preset.name)


@ALL
@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_smoothing_is_that_of_the_slow_reference(preset: Preset, frames: list[bool]) -> None:
    assert smooth(np.array(frames), preset).tolist() == slow_smooth(frames, preset)


@ALL
def test_a_tone_in_noise_is_the_one_signal_section(preset: Preset) -> None:
    samples = with_tones(noise(6.0), 2.0, seconds=1.0)
    signal = [section for section in segment(samples, preset) if section.kind == "signal"]
    slack = (preset.n_fft + sum(preset.frame_dilations) * preset.hop) / SAMPLE_RATE
    assert len(signal) == 1
    assert signal[0].start / SAMPLE_RATE == pytest.approx(2.0, abs=slack)
    assert signal[0].end / SAMPLE_RATE == pytest.approx(3.0, abs=slack)


@ALL
def test_time_does_not_drift_along_ten_minutes(preset: Preset) -> None:
    # Both tones lie alike to the grid of frames, so that any difference is the mapping's.
    frames_apart = (595 * SAMPLE_RATE) // preset.hop
    first = 100 * preset.hop
    samples = noise(600.0)
    tone = 0.3 * np.sin(2 * np.pi * 3_000 * np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE)
    for start in (first, first + frames_apart * preset.hop):
        samples[start : start + len(tone)] += tone
    found = [
        section
        for section in segment(samples, preset)
        if section.kind == "signal" and section.end - section.start > 9_000
    ]
    early, late = found[0], found[-1]
    assert late.start - early.start == frames_apart * preset.hop
    assert late.end - early.end == frames_apart * preset.hop


def test_the_last_frame_ends_where_a_recording_of_ten_minutes_ends() -> None:
    samples = 600 * SAMPLE_RATE + 77
    frames = 1 + samples // 128
    (last,) = sections("signal", np.arange(frames) == frames - 1, samples, 128)
    assert (last.start, last.end) == ((frames - 1) * 128 - 64, samples)


@ALL
@pytest.mark.parametrize("front_end", [frontend_config.ORIGINAL, frontend_config.FIELD], ids=lambda config: config.name)
def test_the_mel_that_comes_with_the_sections_is_that_of_the_whole_recording(
    preset: Preset, front_end: FrontEndConfig
) -> None:
    samples = with_tones(noise(65.0), 1.0, 64.0)
    pieces: list[Picture] = []
    assert segment_with_mel(samples, preset, front_end, pieces.append) == segment(samples, preset)
    mel = np.concatenate(pieces)
    power = np.abs(librosa.stft(samples, n_fft=front_end.n_fft, hop_length=front_end.hop, pad_mode="reflect")) ** 2
    expected = (front_end.mel_bank() @ power).T
    assert mel.shape == expected.shape
    assert np.allclose(mel, expected, rtol=1e-3, atol=1e-6 * expected.max())


def test_up_to_a_minute_medians_are_those_of_the_whole_recording_and_later_of_equal_windows() -> None:
    minute = 60 * SAMPLE_RATE
    assert len(median_windows(minute, SPRENGEL2016)) == 1
    for samples in (minute + 1, 10 * minute + 5):
        windows = median_windows(samples, SPRENGEL2016)
        sizes = {end - first for first, end in windows}
        assert len(windows) == math.ceil(samples / minute)
        assert max(sizes) - min(sizes) <= 1
        assert [windows[0][0], *(end for _, end in windows)] == [*(first for first, _ in windows), 1 + samples // 128]


def test_a_memory_map_gives_the_sections_of_its_samples(tmp_path: Path) -> None:
    samples = with_tones(noise(4.0), 1.0)
    with (tmp_path / "a.wav").open("wb") as file:
        writer = PreparedWriter(file)
        writer.write(samples)
        writer.finish()
    assert segment(open_prepared(tmp_path / "a.wav")) == segment(as_float(to_pcm16(samples)))


@ALL
def test_silence_holds_no_bird(preset: Preset) -> None:
    samples = np.zeros(2 * SAMPLE_RATE, np.float32)
    assert [(section.kind, section.start, section.end) for section in segment(samples, preset)] == [
        ("noise", 0, len(samples))
    ]


@ALL
def test_a_bird_between_long_digital_silences_is_found_and_the_silence_is_not(preset: Preset) -> None:
    samples = np.zeros(10 * SAMPLE_RATE, np.float32)
    samples[4 * SAMPLE_RATE : 5 * SAMPLE_RATE] = with_tones(noise(1.0), 0.25)
    signal = np.zeros(len(samples), bool)
    for section in segment(samples, preset):
        if section.kind == "signal":
            signal[section.start : section.end] = True
    assert signal[round(4.3 * SAMPLE_RATE) : round(4.7 * SAMPLE_RATE)].all()
    assert not signal[: 3 * SAMPLE_RATE].any()
    assert not signal[6 * SAMPLE_RATE :].any()


@ALL
@given(
    length=st.integers(0, 6_000),
    seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from(["noise", "dc", "click", "square", "int16"]),
)
def test_any_sound_of_any_length_gives_sections_within_it(preset: Preset, length: int, seed: int, shape: str) -> None:
    generator = np.random.default_rng(seed)
    samples = {
        "noise": generator.normal(0, 0.1, length),
        "dc": np.full(length, 0.3),
        "click": (np.arange(length) == length // 2) * 1.0,
        "square": np.sign(generator.normal(size=length)),
        "int16": generator.integers(-32_768, 32_768, length),
    }[shape].astype(np.int16 if shape == "int16" else np.float32)
    found = segment(samples, preset)
    seen = np.zeros(length, int)
    for section in found:
        assert 0 <= section.start < section.end <= length
        seen[section.start : section.end] += 1
    assert seen.max(initial=0) <= 1
    assert found == sorted(found, key=lambda section: section.start)


@ALL
def test_masks_are_what_the_sections_come_from(preset: Preset) -> None:
    samples = with_tones(noise(6.0), 2.0, seconds=1.0)
    steps = window_masks(samples, preset, 0, 1 + len(samples) // preset.hop)
    least = preset.min_pixels if isinstance(preset, ContrastPreset) else 1
    signal, loud = (
        smooth(np.count_nonzero(one, axis=1) >= least, preset) for one in (steps.signal_pixels, steps.noise_pixels)
    )
    ends = [*sections("signal", signal, len(samples), preset.hop)]
    ends += sections("noise", ~loud, len(samples), preset.hop)
    assert sorted(ends, key=lambda section: section.start) == segment(samples, preset)
    assert steps.signal_pixels[round(2.5 * SAMPLE_RATE / preset.hop)].any()
    assert steps.noise_pixels[steps.signal_pixels].all()


def test_contrast_is_what_a_recording_is_segmented_with() -> None:
    samples = with_tones(noise(6.0), 2.0, seconds=1.0)
    assert segment(samples) == segment(samples, CONTRAST)


def test_presets_go_by_name_and_impossible_ones_are_refused() -> None:
    assert PRESETS == {"contrast": CONTRAST, "sprengel2016": SPRENGEL2016, "original": ORIGINAL}
    for change in ({"end_bin": 300}, {"first_bin": 232}, {"noise_factor": 3.5}):
        with pytest.raises(ValueError, match=r"bins|noise_factor"):
            ClippingPreset.model_validate(SPRENGEL2016.model_dump() | change)


def test_whoever_waits_for_a_long_recording_is_told_how_far_it_is() -> None:
    told: list[float | None] = []
    segment(noise(150.0), CONTRAST, told.append)
    assert told == [0.0, 1 / 3, 2 / 3]
