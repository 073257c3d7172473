"""Median clipping against a slow, plain reference written from the definition, and on pictures of known answer."""

import statistics

import numpy as np
import numpy.typing as npt
import pytest

from shared.audio.clipping import crossed, pixels, standing_out
from shared.audio.constants import SAMPLE_RATE
from shared.audio.segment import segment, spectrogram, window_masks
from shared.audio.segmentation import ORIGINAL, SPRENGEL2016, ClippingPreset
from tests.support.segmentation import noise, slow_smooth, with_tones

Picture = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
BOTH = pytest.mark.parametrize("preset", [SPRENGEL2016, ORIGINAL], ids=lambda preset: preset.name)


def slow_pixels(power: Picture, factor: float, preset: ClippingPreset) -> Mask:
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


def test_sprengels_bins_are_172_hz_to_10_khz() -> None:
    width = SAMPLE_RATE / SPRENGEL2016.n_fft
    assert SPRENGEL2016.end_bin is not None
    assert round(SPRENGEL2016.first_bin * width) == 172
    assert round((SPRENGEL2016.end_bin - 1) * width) == 9_948


@BOTH
@pytest.mark.parametrize("seed", range(6))
def test_pixels_are_those_of_the_slow_reference(preset: ClippingPreset, seed: int) -> None:
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
    preset: ClippingPreset, power: float, stands_out: bool
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
def test_the_whole_way_is_the_slow_reference_step_by_step(preset: ClippingPreset) -> None:
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
