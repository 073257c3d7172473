"""Median clipping after Lasseck 2013 and Sprengel et al. 2016: groups of pixels that stand out from the median of their
frequency and from that of their moment.

The papers scale the spectrogram to 0..1 first. Here power stays as it is and the levels that a pixel must reach move
instead, which asks the same: (x - lowest) / range >= factor * (median - lowest) / range.
"""

import math
from typing import NamedTuple

import numpy as np

from shared.audio.morphology import Mask, dilate, dilate_square, erode_square
from shared.audio.segmentation import ClippingPreset
from shared.audio.selection import Medians, bin_medians, frame_medians
from shared.audio.stft import Spectrogram


class Groups(NamedTuple):
    """(frames, bins) each: where squares of pixels that all stand out have their origin, by `erode_square`."""

    signal: Mask
    noise: Mask


def standing_out(power: Spectrogram, preset: ClippingPreset) -> Groups:
    """The groups of pixels of one median window that stand out at either factor, (frames, bins) -> Groups.

    `power`: float32, |X|^2 also where the preset is one of magnitudes. The median of a moment is taken only where
    groups stand out from their frequencies' medians already.
    """
    of_bins, lowest = bin_medians(power, root=not preset.power), power.min()
    candidates = erode_square(power >= _levels(of_bins, lowest, preset.noise_factor, preset), preset.opening)
    moments = np.flatnonzero(dilate(np.any(candidates, axis=1), preset.opening, 0))
    of_moments = np.full((len(power), 1), np.inf)
    of_moments[moments, 0] = frame_medians(power[moments], root=not preset.power)

    def groups(factor: float) -> Mask:
        level = np.maximum(_levels(of_bins, lowest, factor, preset), _levels(of_moments, lowest, factor, preset))
        return erode_square(power >= level, preset.opening)

    noise = groups(preset.noise_factor)
    return Groups(noise if preset.signal_factor == preset.noise_factor else groups(preset.signal_factor), noise)


def _levels(medians: Medians, lowest: np.float32, factor: float, preset: ClippingPreset) -> Spectrogram:
    """The least power that stands out from these medians. In digital silence, where they are the lowest, any other."""
    floor = float(lowest) if preset.power else math.sqrt(lowest)
    level = floor + factor * (medians - floor)
    exact = level if preset.power else np.square(level)
    least = exact.astype(np.float32)
    above = np.nextafter(least, np.float32(np.inf))
    least = np.where(least <= exact if preset.strict else least < exact, above, least)
    return np.maximum(least, np.nextafter(lowest, np.float32(np.inf)))


def crossed(groups: Mask, preset: ClippingPreset) -> Mask:
    """The frames that `pixels` has any in, (frames, bins) -> (frames,)."""
    return dilate(dilate(np.any(groups, axis=1), preset.opening, 0), preset.square_dilation, 0)


def pixels(groups: Mask, preset: ClippingPreset) -> Mask:
    """All pixels of the groups, grown by the square dilation, (frames, bins) -> the same."""
    return dilate_square(dilate_square(groups, preset.opening), preset.square_dilation)
