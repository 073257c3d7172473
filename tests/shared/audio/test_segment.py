"""Each step against a slow, plain reference written from the definition, and against pictures of known answer."""

import math
import statistics
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
    ORIGINAL,
    SPRENGEL2016,
    SegmentationPreset,
    crossed,
    median_windows,
    pixels,
    sections,
    segment,
    segment_with_mel,
    segmentation_preset,
    smooth,
    spectrogram,
    standing_out,
    window_masks,
)
from shared.audio.wav import PreparedWriter, as_float, open_prepared, to_pcm16

Picture = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
BOTH = pytest.mark.parametrize("preset", [SPRENGEL2016, ORIGINAL], ids=lambda preset: preset.name)


def noise(seconds: float, seed: int = 0) -> Picture:
    return np.random.default_rng(seed).normal(0, 0.01, round(seconds * SAMPLE_RATE)).astype(np.float32)


def with_tones(background: Picture, *starts: float, seconds: float = 0.5, hertz: float = 3_000) -> Picture:
    sound = background.copy()
    length = round(seconds * SAMPLE_RATE)
    for start in starts:
        first = round(start * SAMPLE_RATE)
        sound[first : first + length] += 0.3 * np.sin(2 * np.pi * hertz * np.arange(length) / SAMPLE_RATE)
    return sound


def slow_pixels(power: Picture, factor: float, preset: SegmentationPreset) -> Mask:
    """(frames, bins) -> the same, by the words of the definition."""
    picture = (power if preset.power else np.sqrt(power)).astype(float)
    lowest, highest = picture.min(), picture.max()
    scaled = ((picture - lowest) / (highest - lowest)).tolist()
    frames, bins = picture.shape
    by_frequency = [statistics.median(row[column] for row in scaled) for column in range(bins)]
    by_moment = [statistics.median(row) for row in scaled]
    stands_out = np.zeros((frames, bins), bool)
    for i in range(frames):
        for j in range(bins):
            value, level = scaled[i][j], factor * max(by_frequency[j], by_moment[i])
            stands_out[i, j] = value > level if preset.strict else value >= level and value > 0
    opened = np.zeros_like(stands_out)
    for i in range(frames - 3):
        for j in range(bins - 3):
            if stands_out[i : i + 4, j : j + 4].all():
                opened[i : i + 4, j : j + 4] = True
    if preset.square_dilation == 1:
        return opened
    grown = np.zeros_like(opened)
    for i, j in np.argwhere(opened):
        grown[max(0, i - 2) : i + 2, max(0, j - 2) : j + 2] = True
    return grown


def slow_smooth(frames: list[bool], preset: SegmentationPreset) -> list[bool]:
    for size in preset.frame_dilations:
        grown = [False] * len(frames)
        for index, is_set in enumerate(frames):
            for neighbour in range(index - size // 2, index - size // 2 + size):
                if is_set and 0 <= neighbour < len(frames):
                    grown[neighbour] = True
        frames = grown
    return frames


def test_sprengels_bins_are_172_hz_to_10_khz() -> None:
    width = SAMPLE_RATE / SPRENGEL2016.n_fft
    assert SPRENGEL2016.end_bin is not None
    assert round(SPRENGEL2016.first_bin * width) == 172
    assert round((SPRENGEL2016.end_bin - 1) * width) == 9_948


@BOTH
@pytest.mark.parametrize("seed", range(6))
def test_pixels_are_those_of_the_slow_reference(preset: SegmentationPreset, seed: int) -> None:
    generator = np.random.default_rng(seed)
    power = generator.exponential(size=(40 + seed, 30 + seed // 2)).astype(np.float32)
    for _ in range(4):
        frame, column = generator.integers(0, 30, 2)
        power[frame : frame + 9, column : column + 7] += 30
    groups = standing_out(power, preset)
    for found, factor in ((groups.signal, preset.signal_factor), (groups.noise, preset.noise_factor)):
        expected = slow_pixels(power, factor, preset)
        assert expected.any()
        assert not expected.all(axis=1).any()
        assert np.array_equal(pixels(found, preset), expected)
        assert np.array_equal(crossed(found, preset), expected.any(axis=1))


def canvas() -> Picture:
    """40 frames of 40 bins at power 1, but for one at 0, so that scaling to 0..1 keeps the proportions."""
    power = np.ones((40, 40), np.float32)
    power[0, 0] = 0
    return power


def test_a_block_of_four_by_four_is_a_bird_and_a_block_of_three_is_a_speck() -> None:
    power = canvas()
    power[10:14, 20:24] = 9
    power[30:33, 5:9] = 9
    assert np.flatnonzero(crossed(standing_out(power, SPRENGEL2016).signal, SPRENGEL2016)).tolist() == [10, 11, 12, 13]


@pytest.mark.parametrize(
    ("preset", "power", "stands_out"),
    [
        (SPRENGEL2016, 3.0, True),
        (SPRENGEL2016, np.nextafter(np.float32(3), np.float32(0)), False),
        (ORIGINAL, 9.0, False),
        (ORIGINAL, np.nextafter(np.float32(9), np.float32(10)), True),
    ],
)
def test_the_factor_itself_is_enough_for_sprengel_and_not_for_the_original(
    preset: SegmentationPreset, power: float, stands_out: bool
) -> None:
    picture = canvas()
    picture[10:14, 20:24] = power
    assert standing_out(picture, preset).signal.any() == stands_out


def test_between_the_two_factors_is_neither_signal_nor_noise() -> None:
    power = canvas()
    power[10:14, 20:24] = 2.7
    groups = standing_out(power, SPRENGEL2016)
    assert (groups.signal.any(), groups.noise.any()) == (False, True)


def test_a_hum_and_a_click_stand_out_from_one_median_only_and_are_no_birds() -> None:
    power = canvas()
    power[:, 8:14] = 9
    power[20:26, :] = 9
    assert not standing_out(power, SPRENGEL2016).noise.any()


def test_nothing_stands_out_where_nothing_differs() -> None:
    for preset in (SPRENGEL2016, ORIGINAL):
        for level in (0, 5):
            assert not standing_out(np.full((9, 9), level, np.float32), preset).noise.any()


@BOTH
@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_smoothing_is_that_of_the_slow_reference(preset: SegmentationPreset, frames: list[bool]) -> None:
    assert smooth(np.array(frames), preset).tolist() == slow_smooth(frames, preset)


@BOTH
def test_the_whole_way_is_the_slow_reference_step_by_step(preset: SegmentationPreset) -> None:
    samples = with_tones(noise(3.0), 0.7, 2.0, seconds=0.2)
    frames = 1 + len(samples) // preset.hop
    power = spectrogram(samples, 0, frames, preset)
    steps = window_masks(samples, preset, 0, frames)
    signal_pixels = slow_pixels(power, preset.signal_factor, preset)
    noise_pixels = slow_pixels(power, preset.noise_factor, preset)
    assert np.array_equal(steps.signal_pixels, signal_pixels)
    assert np.array_equal(steps.noise_pixels, noise_pixels)
    signal, loud = (slow_smooth([bool(row.any()) for row in one], preset) for one in (signal_pixels, noise_pixels))
    kinds = np.zeros((2, len(samples)), bool)
    for section in segment(samples, preset):
        kinds[int(section.kind == "noise"), section.start : section.end] = True
    for sample in range(0, len(samples), 97):
        frame = min(len(signal) - 1, (sample + preset.hop // 2) // preset.hop)
        assert kinds[:, sample].tolist() == [signal[frame], not loud[frame]]


@BOTH
def test_a_tone_in_noise_is_the_one_signal_section(preset: SegmentationPreset) -> None:
    samples = with_tones(noise(6.0), 2.0, seconds=1.0)
    signal = [section for section in segment(samples, preset) if section.kind == "signal"]
    slack = (preset.n_fft + sum(preset.frame_dilations) * preset.hop) / SAMPLE_RATE
    assert len(signal) == 1
    assert signal[0].start / SAMPLE_RATE == pytest.approx(2.0, abs=slack)
    assert signal[0].end / SAMPLE_RATE == pytest.approx(3.0, abs=slack)


@BOTH
def test_time_does_not_drift_along_ten_minutes(preset: SegmentationPreset) -> None:
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


@BOTH
@pytest.mark.parametrize("front_end", [frontend_config.ORIGINAL, frontend_config.FIELD], ids=lambda config: config.name)
def test_the_mel_that_comes_with_the_sections_is_that_of_the_whole_recording(
    preset: SegmentationPreset, front_end: FrontEndConfig
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


@BOTH
def test_silence_holds_no_bird(preset: SegmentationPreset) -> None:
    samples = np.zeros(2 * SAMPLE_RATE, np.float32)
    assert [(section.kind, section.start, section.end) for section in segment(samples, preset)] == [
        ("noise", 0, len(samples))
    ]


@BOTH
def test_a_bird_between_long_digital_silences_is_found_and_the_silence_is_not(preset: SegmentationPreset) -> None:
    samples = np.zeros(10 * SAMPLE_RATE, np.float32)
    samples[4 * SAMPLE_RATE : 5 * SAMPLE_RATE] = with_tones(noise(1.0), 0.25)
    signal = np.zeros(len(samples), bool)
    for section in segment(samples, preset):
        if section.kind == "signal":
            signal[section.start : section.end] = True
    assert signal[round(4.3 * SAMPLE_RATE) : round(4.7 * SAMPLE_RATE)].all()
    assert not signal[: 3 * SAMPLE_RATE].any()
    assert not signal[6 * SAMPLE_RATE :].any()


@BOTH
@given(
    length=st.integers(0, 6_000),
    seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from(["noise", "dc", "click", "square", "int16"]),
)
def test_any_sound_of_any_length_gives_sections_within_it(
    preset: SegmentationPreset, length: int, seed: int, shape: str
) -> None:
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


def test_presets_go_by_name_and_impossible_ones_are_refused() -> None:
    assert segmentation_preset("sprengel2016") is SPRENGEL2016
    assert segmentation_preset("original") is ORIGINAL
    with pytest.raises(KeyError):
        segmentation_preset("none")
    for change in ({"end_bin": 300}, {"first_bin": 232}, {"noise_factor": 3.5}):
        with pytest.raises(ValueError, match=r"bins|noise_factor"):
            SegmentationPreset.model_validate(SPRENGEL2016.model_dump() | change)
