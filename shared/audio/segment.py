"""Segmentation: where in a recording something sings (signal), and where nothing does (noise).

What makes a frame signal is the preset's: contrast (`shared.audio.contrast`, ours) or median clipping
(`shared.audio.clipping`, Lasseck 2013 and Sprengel et al. 2016). Cutting a recording into median windows, smoothing and
the way from frames to samples are the same for both.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shared.audio.clipping import crossed, pixels, standing_out
from shared.audio.constants import SAMPLE_RATE
from shared.audio.contrast import backdrop, contrast_frames, contrast_pixels
from shared.audio.frontend_config import FrontEndConfig
from shared.audio.morphology import Mask, dilate, erode
from shared.audio.report import Told
from shared.audio.segmentation import DEFAULT, ContrastPreset, Preset, SegmentationPreset
from shared.audio.slices import Kind, Section
from shared.audio.stft import Samples, Spectrogram, frame_count, power_blocks, power_spectrogram
from shared.audio.wav import forget_pages


@dataclass(frozen=True, slots=True)
class Masks:
    """Which pixels of a median window stand out. Frame `i` is centred on sample `(first + i) * hop`."""

    signal_pixels: Mask
    """(frames, bins), of median clipping after the opening."""
    noise_pixels: Mask
    """(frames, bins): the same at the noise factor; frames with a group, or enough, of them are not noise."""


def segment(samples: Samples, preset: Preset = DEFAULT, told: Told | None = None) -> list[Section]:
    """Signal and noise sections of a recording, in samples, sorted by start; sections never overlap.

    `told` is called before each median window with the share that is done.

    `samples`: float32 or int16, (samples,), mono, 22,050 Hz; a memory map is read one median window at a time.
    Frame `i` stands for the samples nearer to its centre than to any other, so no error adds up along the recording.
    """
    windows = median_windows(len(samples), preset)

    def spectrograms() -> Iterator[Spectrogram]:
        for index, (first, end) in enumerate(windows):
            if told is not None:
                told(index / len(windows))
            yield spectrogram(samples, first, end, preset)

    return _sections_of(samples, spectrograms(), preset)


def segment_with_mel(
    samples: Samples,
    preset: Preset,
    front_end: FrontEndConfig,
    write: Callable[[Spectrogram], None],
) -> list[Section]:
    """`segment`, and on the way the mel power of the whole recording, handed to `write` piece by piece.

    The pieces, float32 (frames, n_mels), follow each other on the recording's own grid: frame `i` is centred on sample
    `i * front_end.hop`. One STFT serves both where the presets' agree.
    """
    bands = front_end.mel_bands
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


def window_masks(samples: Samples, preset: Preset, first: int, end: int) -> Masks:
    """The pixels of one of the recording's `median_windows`."""
    power = spectrogram(samples, first, end, preset)
    if isinstance(preset, ContrastPreset):
        behind = backdrop(power, preset)
        signal, loud = (
            contrast_pixels(power, behind, factor) for factor in (preset.signal_factor, preset.noise_factor)
        )
        return Masks(signal, loud)
    groups = standing_out(power, preset)
    return Masks(pixels(groups.signal, preset), pixels(groups.noise, preset))


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


def _sections_of(samples: Samples, spectrograms: Iterable[Spectrogram], preset: Preset) -> list[Section]:
    signal, loud = [np.zeros(0, bool)], [np.zeros(0, bool)]
    for power in spectrograms:
        frames = _frames(power, preset)
        signal.append(frames[0])
        loud.append(frames[1])
        forget_pages(samples)
    signal_frames = smooth(np.concatenate(signal), preset)
    noise_frames = ~smooth(np.concatenate(loud), preset)
    found = [*sections("signal", signal_frames, len(samples), preset.hop)]
    found += sections("noise", noise_frames, len(samples), preset.hop)
    return sorted(found, key=lambda section: section.start)


def _frames(power: Spectrogram, preset: Preset) -> tuple[Mask, Mask]:
    """Those that stand out at the signal factor and at the noise factor, (frames,) each."""
    if isinstance(preset, ContrastPreset):
        return contrast_frames(power, preset)
    groups = standing_out(power, preset)
    return crossed(groups.signal, preset), crossed(groups.noise, preset)


def smooth(frames: Mask, preset: SegmentationPreset) -> Mask:
    """Drop runs that are too short, then grow them so that those near each other join, (frames,) -> (frames,)."""
    frames = dilate(erode(frames, preset.min_frames, 0), preset.min_frames, 0)
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
