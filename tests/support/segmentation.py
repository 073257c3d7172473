"""What the tests of the segmentations share: sounds of known answer, and smoothing by its definition."""

from itertools import groupby

import numpy as np
import numpy.typing as npt

from shared.audio.constants import SAMPLE_RATE
from shared.audio.segmentation import Preset

Sound = npt.NDArray[np.float32]


def noise(seconds: float, seed: int = 0) -> Sound:
    return np.random.default_rng(seed).normal(0, 0.01, round(seconds * SAMPLE_RATE)).astype(np.float32)


def with_tones(background: Sound, *starts: float, seconds: float = 0.5, hertz: float = 3_000) -> Sound:
    sound = background.copy()
    length = round(seconds * SAMPLE_RATE)
    for start in starts:
        first = round(start * SAMPLE_RATE)
        sound[first : first + length] += 0.3 * np.sin(2 * np.pi * hertz * np.arange(length) / SAMPLE_RATE)
    return sound


def slow_smooth(frames: list[bool], preset: Preset) -> list[bool]:
    runs = [(is_set, len(list(run))) for is_set, run in groupby(frames)]
    frames = [is_set and length >= preset.min_frames for is_set, length in runs for _ in range(length)]
    for size in preset.frame_dilations:
        grown = [False] * len(frames)
        for index, is_set in enumerate(frames):
            for neighbour in range(index - size // 2, index - size // 2 + size):
                if is_set and 0 <= neighbour < len(frames):
                    grown[neighbour] = True
        frames = grown
    return frames
