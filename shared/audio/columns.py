"""What a picture's columns of pixels show of a recording, as numbers. Each column stands for one stretch of samples.

`edges` are float64, (columns + 1,), in samples, rising: column `i` stands for `edges[i] <= sample < edges[i + 1]`. They
need not be whole, so that columns may be narrower than a sample. All functions take memory that does not grow with the
recording.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.audio.constants import SAMPLE_RATE
from shared.audio.mel import hz_to_mel, mel_to_hz
from shared.audio.morphology import Mask
from shared.audio.segment import median_windows, spectrogram, window_masks
from shared.audio.segmentation import Preset, SegmentationPreset
from shared.audio.stft import Samples, Spectrogram
from shared.audio.wav import as_float, forget_pages

Edges = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

SAMPLES_AT_ONCE = 1 << 21
FRAMES_AT_ONCE = 4_096
SCATTERED_FRAMES_AT_ONCE = 512
"""Fewer, because the system maps some 64 KB of a file around each place that is read."""
FRAMES_PER_COLUMN = 32
"""A wider column shows this many frames, spread evenly over it. Up to 6 minutes in 500 columns, none is left out."""


def envelope(samples: Samples, edges: Edges) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Lowest and highest sample of each column, float32 -1..1, (columns,) each. Every sample is looked at."""
    at = np.floor(edges).astype(np.int64)
    low, high = (np.empty(len(at) - 1, samples.dtype) for _ in range(2))
    for first, end in _blocks(np.diff(at), SAMPLES_AT_ONCE):
        begin = at[first]
        # A column narrower than a sample has none of its own and shows the one that it lies in.
        block = samples[begin : max(at[end - 1] + 1, at[end])]
        low[first:end] = np.minimum.reduceat(block, at[first:end] - begin)
        high[first:end] = np.maximum.reduceat(block, at[first:end] - begin)
        forget_pages(samples)
    return as_float(low), as_float(high)


def loudest(samples: Samples, edges: Edges, preset: SegmentationPreset) -> Spectrogram:
    """Of each column and FFT bin the loudest frame, (columns, bins), in power.

    Columns wider than `FRAMES_PER_COLUMN` frames show that many of them.
    """
    frames = frames_at(edges, len(samples), preset)
    counts = np.maximum(1, np.diff(frames))
    if counts.max() > FRAMES_PER_COLUMN:
        return _loudest_of_some(samples, frames[:-1], counts, preset)
    rows = []
    for first, end in _blocks(counts, FRAMES_AT_ONCE):
        begin = int(frames[first])
        picture = spectrogram(samples, begin, max(begin + 1, int(frames[end - 1] + counts[end - 1])), preset)
        rows.append(np.maximum.reduceat(picture, frames[first:end] - begin, axis=0))
        forget_pages(samples)
    return np.concatenate(rows)


def mask_columns(samples: Samples, edges: Edges, preset: Preset) -> tuple[Mask, Mask]:
    """Signal pixels and noise-factor pixels, (columns, bins) each: set where any frame of the column has one.

    Takes memory for all frames of the median windows that the columns touch.
    """
    frames = frames_at(edges, len(samples), preset)
    last = max(frames[-1], frames[-2] + 1)
    touched = [(first, end) for first, end in median_windows(len(samples), preset) if first < last and end > frames[0]]
    windows = [window_masks(samples, preset, first, end) for first, end in touched]
    offset = touched[0][0]
    signal, loud = (
        np.logical_or.reduceat(np.concatenate(parts)[: last - offset], frames[:-1] - offset, axis=0)
        for parts in ([one.signal_pixels for one in windows], [one.noise_pixels for one in windows])
    )
    return signal, loud


def mel_range(preset: SegmentationPreset) -> tuple[float, float]:
    """From where to where on the mel scale the preset's FFT bins reach."""
    width, bins = _bins(preset)
    lowest = max(0.0, (preset.first_bin - 0.5) * width)
    return hz_to_mel(lowest), hz_to_mel((preset.first_bin + bins - 0.5) * width)


def mel_rows(columns: npt.NDArray[Any], rows: int, preset: SegmentationPreset) -> npt.NDArray[Any]:
    """(columns, bins) -> (columns, rows), evenly on the mel scale from low to high.

    A row shows the largest of the bins it stands for; where a bin is taller than a row, all its rows show it.
    """
    width, bins = _bins(preset)
    hertz = mel_to_hz(np.linspace(*mel_range(preset), rows + 1))
    nearest = np.floor(hertz / width + 0.5).astype(np.int64) - preset.first_bin
    picture: npt.NDArray[Any] = np.maximum.reduceat(columns, np.clip(nearest[:-1], 0, bins - 1), axis=1)
    return picture


def frames_at(edges: Edges, samples: int, preset: SegmentationPreset) -> Whole:
    """Which frame stands for the sample at each edge. As in `segment`, that is the one whose centre is nearest."""
    frames = (np.floor(edges).astype(np.int64) + preset.hop // 2) // preset.hop
    last = samples // preset.hop
    inner = np.minimum(frames[:-1], last)
    return np.append(inner, min(frames[-1], last + 1))


def _loudest_of_some(samples: Samples, first: Whole, counts: Whole, preset: SegmentationPreset) -> Spectrogram:
    # The frames' samples are put side by side, so that one call transforms many of them.
    side_by_side = preset.model_copy(update={"hop": preset.n_fft})
    half = preset.n_fft // 2
    windows = np.lib.stride_tricks.sliding_window_view(samples, preset.n_fft)
    chosen = first[:, None] + counts[:, None] * np.arange(FRAMES_PER_COLUMN) // FRAMES_PER_COLUMN
    begins = np.clip(chosen * preset.hop - half, 0, len(windows) - 1)
    rows = []
    for some in np.array_split(begins, -(-begins.size // SCATTERED_FRAMES_AT_ONCE)):
        sheet = np.pad(windows[some.ravel()].ravel(), half)
        picture = spectrogram(sheet, 1, 1 + some.size, side_by_side)
        rows.append(picture.reshape(*some.shape, -1).max(axis=1))
        forget_pages(samples)
    return np.concatenate(rows)


def _blocks(sizes: Whole, most: int) -> Iterator[tuple[int, int]]:
    """Columns [first, end) whose sizes together are `most` at most, or a single one that is larger."""
    ends = np.cumsum(sizes)
    first = 0
    while first < len(sizes):
        before = ends[first] - sizes[first]
        end = max(first + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield first, end
        first = end


def _bins(preset: SegmentationPreset) -> tuple[float, int]:
    """Hz per FFT bin, and how many bins take part."""
    end = preset.n_fft // 2 + 1 if preset.end_bin is None else preset.end_bin
    return SAMPLE_RATE / preset.n_fft, end - preset.first_bin
