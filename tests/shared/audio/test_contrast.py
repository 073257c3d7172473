"""The default preset's measure, against a slow, plain reference, and against sounds of known answer."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from shared.audio.constants import SAMPLE_RATE
from shared.audio.contrast import (
    LEAST_SPREAD,
    MOST_SPREAD_IF_SHORT,
    NEIGHBOURS_IF_SHORT,
    SAMPLED_BINS,
    SAMPLED_FRAMES,
    contrast_frames,
)
from shared.audio.segment import segment
from shared.audio.segmentation import CONTRAST, ContrastPreset

Power = npt.NDArray[np.float32]
RATE = SAMPLE_RATE


def ranked(values: list[float], share: float) -> float:
    return sorted(values)[int(share * len(values))]


def slow_contrast(power: list[list[float]], factor: float, pixels: int, short: bool) -> list[bool]:
    """power[frame][bin] -> does the frame stand out, by the words of the definition, in decibels."""
    bins = range(len(power[0]))
    sampled = [row for row in power[:: max(1, len(power) // SAMPLED_FRAMES)] if any(row)]
    median = [ranked([row[f] for row in sampled], 0.5) for f in bins]

    def flat(row: list[float]) -> list[float]:
        gain = ranked([row[f] / median[f] for f in bins[::SAMPLED_BINS]], 0.5)
        return [10 * math.log10(row[f] / gain) for f in bins]

    flattened = [flat(row) for row in sampled]
    level = [ranked([row[f] for row in flattened], 0.5) for f in bins]
    upper = [ranked([row[f] for row in flattened], 0.75) for f in bins]
    spread = [max(upper[f] - level[f], 10 * math.log10(LEAST_SPREAD)) for f in bins]
    if short:
        last, reach = len(level) - 1, NEIGHBOURS_IF_SHORT // 2
        around = [ranked([level[min(max(0, f + by), last)] for by in range(-reach, reach + 1)], 0.5) for f in bins]
        level = [min(level[f], around[f]) for f in bins]
        spread = [min(one, 10 * math.log10(MOST_SPREAD_IF_SHORT)) for one in spread]
    return [sum(flat(row)[f] >= level[f] + factor * spread[f] for f in bins) >= pixels for row in power]


def background(frames: int, waves: float = 1) -> Power:
    """Power of noise, loud at low frequencies and restless at high ones, with a gain that comes and goes like waves."""
    generator = np.random.default_rng(0)
    tilt = np.geomspace(1e3, 1, 60) * generator.exponential(size=(frames, 60))
    restless = np.exp(generator.normal(0, np.linspace(0, 1, 60), (frames, 60)))
    gain = 10 ** (waves * np.sin(np.arange(frames) / 9.0))
    return (tilt * restless * gain[:, None]).astype(np.float32)


@pytest.mark.parametrize("frames", [1, 2, 37, 400, 1_300])
@pytest.mark.parametrize("pixels", [1, 3])
def test_frames_are_those_of_the_slow_reference(frames: int, pixels: int) -> None:
    power = background(frames)
    for frame in range(5, frames - 4, 40):
        power[frame : frame + 4, frame % 50 : frame % 50 + 5] *= np.float32(10.0 ** (1 + frame % 4))
    preset = CONTRAST.model_copy(update={"min_pixels": pixels, "signal_factor": 3.0, "noise_factor": 2.0})
    found = contrast_frames(power, preset)
    short = frames * preset.hop < 10 * RATE
    for mask, factor in zip(found, (3.0, 2.0), strict=True):
        assert mask.tolist() == slow_contrast(power.astype(float).tolist(), factor, pixels, short)
        assert mask.any() or frames < 37


def test_a_call_stands_out_and_gusts_and_hums_do_not() -> None:
    quiet = background(500)
    call, gust, hum = quiet.copy(), quiet.copy(), quiet.copy()
    call[200:204, 30:34] *= 1e4
    gust[200:230] *= 1e3
    hum[:, 30:34] *= 1e4
    assert np.flatnonzero(contrast_frames(call, CONTRAST)[0]).tolist() == [200, 201, 202, 203]
    # Longer than ten seconds: in a short recording a hum could be a song that never ends.
    for background_alone in (quiet, gust, hum):
        assert not contrast_frames(background_alone, CONTRAST)[0].any()


def test_what_is_restless_has_to_be_louder_than_what_is_steady() -> None:
    for band, found in ((slice(2, 6), True), (slice(54, 58), False)):
        power = background(500, waves=0)
        power[200:204, band] = 50 * np.median(power[:, band], axis=0)
        assert contrast_frames(power, CONTRAST)[0].any() == found


def test_a_song_that_fills_most_of_a_short_recording_stands_out() -> None:
    power = background(100)
    power[10:90, 30:34] *= 1e5
    assert contrast_frames(power, CONTRAST)[0].sum() > 70
    assert not contrast_frames(power, CONTRAST.model_copy(update={"short_seconds": 0.0}))[0].any()


def test_a_song_that_fills_a_third_of_a_short_recording_does_not_hide_in_its_own_spread() -> None:
    power = background(100, waves=0)
    power[30:65, 30:34] *= 1e5
    assert np.flatnonzero(contrast_frames(power, CONTRAST)[0]).tolist() == list(range(30, 65))
    unlimited = contrast_frames(power, CONTRAST.model_copy(update={"short_seconds": 0.0}))[0]
    assert not unlimited.any()


def test_the_rounding_of_a_pause_is_nothing_to_hear() -> None:
    power = background(450)
    power[200:210] = 1e-13
    power[202:206, 30:34] = 1e-9
    assert not contrast_frames(power, CONTRAST)[1][200:210].any()


def test_how_loud_a_recording_is_does_not_matter() -> None:
    power = background(300)
    power[100:104, 30:34] *= 1e4
    loud = contrast_frames(power, CONTRAST)
    quiet = contrast_frames(power * np.float32(2.0**-20), CONTRAST)
    assert all(np.array_equal(one, other) for one, other in zip(loud, quiet, strict=True))


def test_digital_silence_around_a_recording_changes_nothing() -> None:
    power = background(450)
    power[200:204, 30:34] *= 1e4
    silence = np.zeros((400, 60), np.float32)
    alone, _ = contrast_frames(power, CONTRAST)
    padded, _ = contrast_frames(np.concatenate([power, silence]), CONTRAST)
    assert alone.any()
    assert padded.tolist() == [*alone.tolist(), *[False] * 400]


def test_a_chirp_of_one_frame_is_dropped_and_one_of_two_is_kept() -> None:
    """At 22,050 Hz and a hop of 512, a click lies in two frames at most, and a call of 0.15 s in six or more."""
    generator = np.random.default_rng(1)
    for seconds, kept in ((0.003, False), (0.15, True)):
        samples = generator.normal(0, 0.01, 8 * RATE).astype(np.float32)
        length = round(seconds * RATE)
        # In the middle of frame 200, so that the neighbours' windows are nearly closed there.
        first = 200 * CONTRAST.hop - length // 2
        samples[first : first + length] += 0.2 * np.sin(2 * np.pi * 4_000 * np.arange(length) / RATE)
        assert any(section.kind == "signal" for section in segment(samples, CONTRAST)) is kept


def test_a_preset_of_no_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="min_pixels"):
        ContrastPreset.model_validate(CONTRAST.model_dump() | {"min_pixels": 0})
