"""Selection: values of given rank, and medians of a spectrogram by them, exact and without sorting."""

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


def select(rows: Spectrogram, *ranks: int) -> Spectrogram:
    """Of each row the values of these ranks, which rise: float32, (ranks, rows). Leaves the rows out of order.

    One rank after the other, because numpy selects a single one many times faster than two at once.
    """
    found = np.empty((len(ranks), len(rows)), np.float32)
    below = 0
    for values, rank in zip(found, ranks, strict=True):
        rows[:, below:].partition(rank - below, axis=1)
        values[:] = rows[:, rank]
        below = rank
    return found


def _medians(rows: Spectrogram, root: bool) -> Medians:
    """Median of each row, the mean of the two in the middle of an even number. Leaves the rows out of order."""
    middle = rows.shape[1] // 2
    upper = select(rows, middle)[0].astype(np.float64)
    lower = upper if rows.shape[1] % 2 else rows[:, :middle].max(axis=1).astype(np.float64)
    medians: Medians = (np.sqrt(lower) + np.sqrt(upper)) / 2 if root else (lower + upper) / 2
    return medians
