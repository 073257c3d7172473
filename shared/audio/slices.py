"""Slices: windows of the original time line. This module alone says where windows lie and how short ones are filled."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from shared.audio.constants import SAMPLE_RATE, STEP_SAMPLES, WINDOW_SAMPLES

Kind = Literal["signal", "noise"]
Sample = TypeVar("Sample", bound=np.generic)

# A contact call of 0.1 s, smoothed. Real single calls of ravens and buzzards fill 0.2 s of 5.
MIN_SIGNAL_SECONDS = 0.15
MIN_NOISE_FRACTION = 0.5


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a recording, `start <= sample < end`, at 22,050 Hz."""

    kind: Kind
    start: int
    end: int
    label: str = ""
    """Whose signal it is where a person marked another species than the recording's own; else empty."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One window of a recording that is worth training on.

    `length` samples from `start` are real; the rest of the window, if any, is filled by `pad_window`.
    `signal_fraction` is the share of those samples that lie in signal sections, 0..1.
    """

    kind: Kind
    start: int
    length: int
    signal_fraction: float
    label: str = ""
    """As its sections have it."""


def windows(samples: int, *, window: int = WINDOW_SAMPLES, step: int = STEP_SAMPLES) -> list[int]:
    """Start samples of the windows that cover a recording: 0, step, 2 * step, ...

    Every sample lies in one at least, and only the last may reach past the end; but a rest of at most
    `negligible(window)` gets no window of its own, half of it heard before and filled with its own repetition: encoders
    make a clip of 5 s some milliseconds longer. Training, slicing and serving all use this grid.
    """
    if samples < 1:
        raise ValueError("a recording without samples has no windows")
    if not 1 <= step <= window:
        raise ValueError(f"a step of {step} samples would leave gaps between windows of {window}")
    beyond_first = max(0, samples - window - negligible(window))
    return [step * index for index in range(1 - (-beyond_first // step))]


def negligible(window: int = WINDOW_SAMPLES) -> int:
    """Samples at the end of a recording that are too few for a signal: 0.15 s where windows last 5 s."""
    return 3 * window // 100


def pad_window(content: npt.NDArray[Sample], window: int = WINDOW_SAMPLES) -> npt.NDArray[Sample]:
    """Fill a window by repeating its own content from the beginning, (n,) -> (window,), same dtype.

    Repetition (Sprengel et al. 2016) rather than zeros: an edge to silence is a pattern that no bird makes.
    """
    if not 1 <= content.shape[0] <= window:
        raise ValueError(f"{content.shape[0]} samples cannot fill a window of {window}")
    return np.resize(content, window)


def slice_recording(
    samples: int,
    sections: Iterable[Section],
    *,
    window: int = WINDOW_SAMPLES,
    step: int = STEP_SAMPLES,
    min_signal_seconds: float = MIN_SIGNAL_SECONDS,
    min_noise_fraction: float = MIN_NOISE_FRACTION,
    sample_rate: int = SAMPLE_RATE,
) -> list[Slice]:
    """Choose the windows of a recording that train a network, in order of time.

    A signal slice is a window that, once padded, holds at least `min_signal_seconds` of signal. A noise slice holds no
    signal at all and at least `min_noise_fraction` of noise section. Other windows are left out. Sections of one kind
    must be sorted and must not overlap, as `segment` gives them.
    """
    known = list(sections)
    starts = np.array(windows(samples, window=window, step=step), dtype=np.int64)
    ends = np.minimum(starts + window, samples)
    signal = covered(starts, ends, [s for s in known if s.kind == "signal"]) / (ends - starts)
    noise = covered(starts, ends, [s for s in known if s.kind == "noise"]) / (ends - starts)
    is_signal = (signal > 0) & (signal * window >= min_signal_seconds * sample_rate)
    is_noise = (signal == 0) & (noise > 0) & (noise >= min_noise_fraction)
    return [
        Slice("signal" if is_signal[i] else "noise", int(starts[i]), int(ends[i] - starts[i]), float(signal[i]))
        for i in np.flatnonzero(is_signal | is_noise)
    ]


def covered(starts: npt.NDArray[Any], ends: npt.NDArray[Any], sections: Sequence[Section]) -> npt.NDArray[np.float64]:
    """Samples of each [start, end), whole or not, that lie in sections that are sorted and do not overlap, (n,).

    By the integral of their indicator.
    """
    edges = np.array([(s.start, s.end) for s in sections], dtype=np.float64).reshape(-1, 2)
    if not len(edges):
        return np.zeros(len(starts))
    total = np.repeat(np.concatenate([[0.0], np.cumsum(edges[:, 1] - edges[:, 0])]), 2)[1:-1]
    inside: npt.NDArray[np.float64] = np.interp(ends, edges.ravel(), total) - np.interp(starts, edges.ravel(), total)
    return inside
