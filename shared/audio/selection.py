"""Medians of a spectrogram by selection, exact, a piece at a time that stays in the processor's cache."""

import numpy as np
import numpy.typing as npt

from shared.audio.stft import Spectrogram

Medians = npt.NDArray[np.float64]

# Bins copied at once: those of four cache lines, so that reading along time wastes none.
_BINS = 64
_FRAMES = 128


def bin_medians(power: Spectrogram, *, root: bool = False) -> Medians:
    """Of each bin over time, (frames, bins) -> (bins,); with `root`, of the magnitudes, whose squares `power` holds."""
    pieces = [
        _medians(power[:, first : first + _BINS].T.copy(order="C"), root) for first in range(0, power.shape[1], _BINS)
    ]
    return np.concatenate(pieces)


def frame_medians(power: Spectrogram, *, root: bool = False) -> Medians:
    """Of each frame over its bins, (frames, bins) -> (frames,); `root` as in `bin_medians`."""
    pieces = [_medians(power[first : first + _FRAMES].copy(), root) for first in range(0, len(power), _FRAMES)]
    return np.concatenate(pieces) if pieces else np.zeros(0)


def _medians(rows: Spectrogram, root: bool) -> Medians:
    """Median of each row, the mean of the two in the middle of an even number. Leaves the rows out of order."""
    middle = rows.shape[1] // 2
    rows.partition(middle, axis=1)
    upper = rows[:, middle].astype(np.float64)
    lower = upper if rows.shape[1] % 2 else rows[:, :middle].max(axis=1).astype(np.float64)
    return (np.sqrt(lower) + np.sqrt(upper)) / 2 if root else (lower + upper) / 2
