"""Segmentation: where in a recording something sings (signal), and where nothing does (noise).

Median clipping after Lasseck 2013 and Sprengel et al. 2016: a pixel of the spectrogram belongs to a bird when it stands
out from its frequency's and its moment's median; groups of such pixels make their frames signal.

Their spectrograms are scaled to 0..1 first. Here power stays as it is and the two levels that a pixel must reach move
instead, which asks the same: (x - lowest) / range >= factor * (median - lowest) / range.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from shared.audio.constants import SAMPLE_RATE
from shared.audio.frontend_config import FrontEndConfig
from shared.audio.medians import Medians, bin_medians, frame_medians
from shared.audio.mel import MelBands
from shared.audio.morphology import Mask, dilate, dilate_square, erode_square
from shared.audio.segmentation import ORIGINAL, SPRENGEL2016, SegmentationPreset, segmentation_preset
from shared.audio.slices import Kind, Section
from shared.audio.stft import Samples, Spectrogram, frame_count, power_blocks, power_spectrogram
from shared.audio.wav import forget_pages

__all__ = [
    "ORIGINAL",
    "SPRENGEL2016",
    "Masks",
    "Section",
    "SegmentationPreset",
    "median_windows",
    "segment",
    "segment_with_mel",
    "segmentation_preset",
    "window_masks",
]


@dataclass(frozen=True, slots=True)
class Masks:
    """The steps of one median window, for pictures and tests. Frame `i` is centred on sample `(first + i) * hop`."""

    spectrogram: Spectrogram
    """(frames, bins), power."""
    signal_pixels: Mask
    """(frames, bins), after the opening."""
    noise_pixels: Mask
    """(frames, bins): the same at the noise factor; frames that have any are not noise."""


def segment(samples: Samples, preset: SegmentationPreset = SPRENGEL2016) -> list[Section]:
    """Signal and noise sections of a recording, in samples, sorted by start; sections never overlap.

    `samples`: float32 or int16, (samples,), mono, 22,050 Hz; a memory map is read one median window at a time.
    Frame `i` stands for the samples nearer to its centre than to any other, so no error adds up along the recording.
    """
    windows = median_windows(len(samples), preset)
    return _sections_of(samples, (spectrogram(samples, first, end, preset) for first, end in windows), preset)


def segment_with_mel(
    samples: Samples,
    preset: SegmentationPreset,
    front_end: FrontEndConfig,
    write: Callable[[Spectrogram], None],
) -> list[Section]:
    """`segment`, and on the way the mel power of the whole recording, handed to `write` piece by piece.

    The pieces, float32 (frames, n_mels), follow each other on the recording's own grid: frame `i` is centred on sample
    `i * front_end.hop`. One STFT serves both where the presets' agree.
    """
    bands = MelBands(front_end.mel_bank())
    if (preset.n_fft, preset.hop) != (front_end.n_fft, front_end.hop):
        frames = frame_count(len(samples), front_end.hop)
        for _, power in power_blocks(samples, 0, frames, n_fft=front_end.n_fft, hop=front_end.hop):
            write(bands(power))
            forget_pages(samples)
        return segment(samples, preset)

    def spectrograms() -> Iterator[Spectrogram]:
        for first, end in median_windows(len(samples), preset):
            power = power_spectrogram(samples, first, end, n_fft=preset.n_fft, hop=preset.hop)
            write(bands(power))
            yield power[:, preset.first_bin : preset.end_bin]

    return _sections_of(samples, spectrograms(), preset)


def window_masks(samples: Samples, preset: SegmentationPreset, first: int, end: int) -> Masks:
    """The pixels of one of the recording's `median_windows`."""
    power = spectrogram(samples, first, end, preset)
    groups = standing_out(power, preset)
    return Masks(power, pixels(groups.signal, preset), pixels(groups.noise, preset))


def median_windows(samples: int, preset: SegmentationPreset) -> list[tuple[int, int]]:
    """Frames [first, end) of each median window: as few equal ones as `median_seconds` allows."""
    if not samples:
        return []
    frames = frame_count(samples, preset.hop)
    count = math.ceil(samples / (preset.median_seconds * SAMPLE_RATE))
    edges = [frames * index // count for index in range(count + 1)]
    return list(pairwise(edges))


def spectrogram(samples: Samples, first: int, end: int, preset: SegmentationPreset) -> Spectrogram:
    """Frames [first, end) of the preset's STFT, (frames, bins), power."""
    return power_spectrogram(
        samples,
        first,
        end,
        n_fft=preset.n_fft,
        hop=preset.hop,
        first_bin=preset.first_bin,
        end_bin=preset.end_bin,
    )


class Groups(NamedTuple):
    """(frames, bins) each: where squares of pixels that all stand out have their origin, by `erode_square`."""

    signal: Mask
    noise: Mask


def standing_out(power: Spectrogram, preset: SegmentationPreset) -> Groups:
    """The groups of pixels of one median window that stand out at either factor, (frames, bins) -> Groups.

    The median of a moment is taken only where groups stand out from their frequencies' medians already.
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


def _levels(medians: Medians, lowest: np.float32, factor: float, preset: SegmentationPreset) -> Spectrogram:
    """The least power that stands out from these medians. In digital silence, where they are the lowest, any other."""
    floor = float(lowest) if preset.power else math.sqrt(lowest)
    level = floor + factor * (medians - floor)
    exact = level if preset.power else np.square(level)
    least = exact.astype(np.float32)
    above = np.nextafter(least, np.float32(np.inf))
    least = np.where(least <= exact if preset.strict else least < exact, above, least)
    return np.maximum(least, np.nextafter(lowest, np.float32(np.inf)))


def crossed(groups: Mask, preset: SegmentationPreset) -> Mask:
    """The frames that `pixels` has any in, (frames, bins) -> (frames,)."""
    return dilate(dilate(np.any(groups, axis=1), preset.opening, 0), preset.square_dilation, 0)


def pixels(groups: Mask, preset: SegmentationPreset) -> Mask:
    """All pixels of the groups, grown by the square dilation, (frames, bins) -> the same."""
    return dilate_square(dilate_square(groups, preset.opening), preset.square_dilation)


def _sections_of(samples: Samples, spectrograms: Iterable[Spectrogram], preset: SegmentationPreset) -> list[Section]:
    signal, loud = [np.zeros(0, bool)], [np.zeros(0, bool)]
    for power in spectrograms:
        groups = standing_out(power, preset)
        signal.append(crossed(groups.signal, preset))
        loud.append(crossed(groups.noise, preset))
        forget_pages(samples)
    signal_frames = smooth(np.concatenate(signal), preset)
    noise_frames = ~smooth(np.concatenate(loud), preset)
    found = [*sections("signal", signal_frames, len(samples), preset.hop)]
    found += sections("noise", noise_frames, len(samples), preset.hop)
    return sorted(found, key=lambda section: section.start)


def smooth(frames: Mask, preset: SegmentationPreset) -> Mask:
    """Grow runs of frames so that those near each other join, (frames,) -> (frames,)."""
    for size in preset.frame_dilations:
        frames = dilate(frames, size, 0)
    return frames


def sections(kind: Kind, frames: Mask, samples: int, hop: int) -> Iterator[Section]:
    """Runs of frames as samples: the border between two frames lies half-way between their centres."""
    changes = np.flatnonzero(np.diff(frames, prepend=False, append=False))
    for first, end in changes.reshape(-1, 2).tolist():
        start = max(0, first * hop - hop // 2)
        stop = samples if end == len(frames) else min(samples, end * hop - hop // 2)
        if start < stop:
            yield Section(kind, start, stop)
