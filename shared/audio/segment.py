"""Segmentation: where in a recording something sings (signal), and where nothing does (noise).

Median clipping after Lasseck 2013 and Sprengel et al. 2016: a pixel of the spectrogram belongs to a bird when it stands
out from its frequency's and its moment's median; groups of such pixels make their frames signal.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import scipy.fft

from shared.audio.constants import SAMPLE_RATE
from shared.audio.morphology import Mask, dilate, dilate_square, open_square
from shared.audio.segmentation import ORIGINAL, SPRENGEL2016, SegmentationPreset, segmentation_preset
from shared.audio.slices import Kind, Section
from shared.audio.wav import as_float, forget_pages

__all__ = [
    "ORIGINAL",
    "SPRENGEL2016",
    "Masks",
    "Section",
    "SegmentationPreset",
    "masks",
    "segment",
    "segmentation_preset",
]

Samples = npt.NDArray[np.float32] | npt.NDArray[np.int16]
Spectrogram = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Masks:
    """The steps of one median window, for pictures and tests. Frame `i` is centred on sample `i * hop`."""

    spectrogram: Spectrogram
    """(frames, bins), scaled to 0..1."""
    signal_pixels: Mask
    """(frames, bins), after the opening."""
    noise_pixels: Mask
    """(frames, bins): the same at the noise factor; frames that have any are not noise."""
    signal: Mask
    """(frames,), smoothed."""
    noise: Mask
    """(frames,)."""


def segment(samples: Samples, preset: SegmentationPreset = SPRENGEL2016) -> list[Section]:
    """Signal and noise sections of a recording, in samples, sorted by start; sections never overlap.

    `samples`: float32 or int16, (samples,), mono, 22,050 Hz; a memory map is read one median window at a time.
    Frame `i` stands for the samples nearer to its centre than to any other, so no error adds up along the recording.
    """
    signal, loud = [], []
    for first, end in median_windows(len(samples), preset):
        scaled = scale(spectrogram(samples, first, end, preset))
        medians = larger_median(scaled)
        signal.append(np.any(pixels(scaled, medians, preset.signal_factor, preset), axis=1))
        loud.append(np.any(pixels(scaled, medians, preset.noise_factor, preset), axis=1))
        forget_pages(samples)
    if not signal:
        return []
    signal_frames = smooth(np.concatenate(signal), preset)
    noise_frames = ~smooth(np.concatenate(loud), preset)
    found = [*sections("signal", signal_frames, len(samples), preset.hop)]
    found += sections("noise", noise_frames, len(samples), preset.hop)
    return sorted(found, key=lambda section: section.start)


def masks(samples: Samples, preset: SegmentationPreset = SPRENGEL2016) -> Masks:
    """Every step of `segment` for a recording no longer than one median window."""
    ((first, end),) = median_windows(len(samples), preset)
    scaled = scale(spectrogram(samples, first, end, preset))
    medians = larger_median(scaled)
    signal_pixels = pixels(scaled, medians, preset.signal_factor, preset)
    noise_pixels = pixels(scaled, medians, preset.noise_factor, preset)
    signal = smooth(np.any(signal_pixels, axis=1), preset)
    return Masks(scaled, signal_pixels, noise_pixels, signal, ~smooth(np.any(noise_pixels, axis=1), preset))


def median_windows(samples: int, preset: SegmentationPreset) -> list[tuple[int, int]]:
    """Frames [first, end) of each median window: as few equal ones as `median_seconds` allows."""
    if not samples:
        return []
    frames = 1 + samples // preset.hop
    count = math.ceil(samples / (preset.median_seconds * SAMPLE_RATE))
    edges = [frames * index // count for index in range(count + 1)]
    return list(pairwise(edges))


def spectrogram(samples: Samples, first: int, end: int, preset: SegmentationPreset) -> Spectrogram:
    """Frames first to end, (frames, bins), of the centred STFT, Hann, the recording mirrored at its two ends."""
    half = preset.n_fft // 2
    begin, stop = first * preset.hop - half, (end - 1) * preset.hop + half
    block = as_float(samples[max(0, begin) : stop])
    padded = np.pad(block, (max(0, -begin), max(0, stop - len(samples))), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, preset.n_fft)[:: preset.hop]
    window = np.hanning(preset.n_fft + 1)[:-1].astype(np.float32)
    spectrum = scipy.fft.rfft(frames * window, axis=1)[:, preset.first_bin : preset.end_bin]
    power: Spectrogram = np.square(spectrum.real) + np.square(spectrum.imag)
    return power if preset.power else np.sqrt(power)


def scale(picture: Spectrogram) -> Spectrogram:
    """To 0..1; all 0 when nothing differs."""
    lowest, highest = picture.min(), picture.max()
    if highest <= lowest:
        return np.zeros_like(picture)
    scaled: Spectrogram = (picture - lowest) / (highest - lowest)
    return scaled


def larger_median(scaled: Spectrogram) -> Spectrogram:
    """(frames, bins): of each pixel's frequency over time and its moment over frequencies, the larger median."""
    by_frequency = np.median(scaled, axis=0, keepdims=True)
    by_moment = np.median(scaled, axis=1, keepdims=True)
    larger: Spectrogram = np.maximum(by_frequency, by_moment)
    return larger


def pixels(scaled: Spectrogram, medians: Spectrogram, factor: float, preset: SegmentationPreset) -> Mask:
    """The groups of pixels that stand out. In digital silence, where medians are 0, nothing does."""
    threshold = np.float32(factor) * medians
    standing_out = scaled > threshold if preset.strict else (scaled >= threshold) & (scaled > 0)
    opened = open_square(standing_out, preset.opening)
    return dilate_square(opened, preset.square_dilation)


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
