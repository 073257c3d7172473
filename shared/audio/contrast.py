"""Contrast: which frames of a spectrogram hold pixels that rise out of a background, be it steady or restless.

Noise differs from frequency to frequency in how loud it is and in how much that varies, and from moment to moment in
how loud all of it is. So each moment's gain is taken out first; then a pixel is measured by the level and the spread of
its own frequency. That is a z-score of decibels, with quantiles in place of mean and deviation: song moves those less.
"""

from typing import NamedTuple

import numpy as np
import scipy.ndimage

from shared.audio.constants import SAMPLE_RATE
from shared.audio.morphology import Mask
from shared.audio.segmentation import ContrastPreset
from shared.audio.selection import select
from shared.audio.stft import Spectrogram

LEAST_SPREAD = 2.0
"""Upper quartile over median of steady Gaussian noise's power, ln 4 / ln 2. What varies less, as a hum does, is no
reason to listen more closely."""

MOST_SPREAD_IF_SHORT = 4.0
NEIGHBOURS_IF_SHORT = 63
"""Bins, the one itself included."""

SAMPLED_FRAMES = 500
SAMPLED_BINS = 4
SILENT_POWER = np.float32(1e-8)
"""A frame none of whose pixels has that much holds no sound but the rounding of digital silence, or of a constant.
Of samples within -1..1: rounding a sound to 16 bit alone leaves 3e-8 in each pixel."""

LEAST_POWER = np.float32(1e-12)
"""What levels and gains are at least, so that nothing is divided by 0."""


class Backdrop(NamedTuple):
    """What the pixels of a spectrogram are measured by, float32 each; `contrast_pixels` says how."""

    gain: Spectrogram
    """(frames, 1): the median over bins of power[t, f] / (median over frames of f); infinite in a silent frame."""
    level: Spectrogram
    """(1, bins): the median over frames of flat[t, f] = power[t, f] / gain[t]."""
    spread: Spectrogram
    """(1, bins): the upper quartile of flat over its median, `LEAST_SPREAD` at least."""


def contrast_frames(power: Spectrogram, preset: ContrastPreset) -> tuple[Mask, Mask]:
    """Frames where `min_pixels` pixels or more stand out by the signal factor, and by the noise factor: (frames,) each.

    `power`: (frames, bins), |X|^2.
    """
    behind = backdrop(power, preset)
    loud = _with_pixels(contrast_pixels(power, behind, preset.noise_factor), preset.min_pixels)
    # What stands out at the larger factor does so at the smaller one.
    rows = np.flatnonzero(loud)
    among = contrast_pixels(power[rows], behind._replace(gain=behind.gain[rows]), preset.signal_factor)
    signal = np.zeros(len(power), bool)
    signal[rows] = _with_pixels(among, preset.min_pixels)
    return signal, loud


def contrast_pixels(power: Spectrogram, behind: Backdrop, factor: float) -> Mask:
    """Where power[t, f] / gain[t] >= level[f] * spread[f] ** factor: (frames, bins).

    So a pixel rises over its median by `factor` times as many decibels as the upper quartile does.
    """
    standing_out: Mask = power / behind.gain >= behind.level * behind.spread ** np.float32(factor)
    return standing_out


def backdrop(power: Spectrogram, preset: ContrastPreset) -> Backdrop:
    """Gain, level and spread of a spectrogram. Digital silence takes no part in levels and spreads.

    Where less than `short_seconds` sound, song may fill half of the time and raise its own level and spread. There a
    level is no more than the median of those of its `NEIGHBOURS_IF_SHORT`, and a spread `MOST_SPREAD_IF_SHORT` at most.

    A hundredth more or less of a quantile does not matter: gains are taken from every fourth bin, levels and spreads
    from every n-th frame, so that `SAMPLED_FRAMES` or a few more are left.
    """
    apart = max(1, len(power) // SAMPLED_FRAMES)
    sounding = power.max(axis=1) >= SILENT_POWER
    chosen = np.flatnonzero(sounding[::apart]) * apart
    if not len(chosen):
        endless = np.full((1, power.shape[1]), np.inf, np.float32)
        return Backdrop(np.ones((len(power), 1), np.float32), endless, endless)
    by_bin = power[chosen].T.copy()
    gain = np.where(sounding[:, None], _gains(power[:, ::SAMPLED_BINS], by_bin[::SAMPLED_BINS]), np.float32(np.inf))
    middle, upper = _quantiles(by_bin / gain[chosen, 0], 0.5, 0.75)
    level = np.maximum(middle, LEAST_POWER)
    spread = np.maximum(upper / level, LEAST_SPREAD)
    if len(chosen) * apart * preset.hop < preset.short_seconds * SAMPLE_RATE:
        level = np.minimum(level, scipy.ndimage.median_filter(level, NEIGHBOURS_IF_SHORT, mode="nearest"))
        spread = np.minimum(spread, MOST_SPREAD_IF_SHORT)
    return Backdrop(gain, level[None, :], spread[None, :])


def _gains(power: Spectrogram, sampled: Spectrogram) -> Spectrogram:
    """How loud each frame is as a whole, (frames, 1): 1 where half of its pixels are above their frequency's median.

    `power`: (frames, bins); `sampled`: (bins, frames), those frames of it that medians are taken of.
    """
    (median,) = np.maximum(_quantiles(sampled.copy(), 0.5), LEAST_POWER)
    (gain,) = _quantiles(power / median, 0.5)
    least: Spectrogram = np.maximum(gain, LEAST_POWER)
    return least[:, None]


def _quantiles(rows: Spectrogram, *shares: float) -> Spectrogram:
    """Of each row the values of rank `share * n`, rounded down: (shares, rows). Leaves the rows out of order."""
    return select(rows, *(int(share * rows.shape[1]) for share in shares))


def _with_pixels(mask: Mask, least: int) -> Mask:
    """The rows where `least` pixels or more are set."""
    return np.asarray(np.count_nonzero(mask, axis=1) >= least)
