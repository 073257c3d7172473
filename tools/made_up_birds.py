"""Writes the sound of birds that never sang, to try `chiffchaff inspect` on: `python tools/made_up_birds.py birds.wav`.

Two-note songs, a trill, a warble and something far away, over wind and hiss. The picture in docs/images is of it.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 44_100
SECONDS = 14

Sound = npt.NDArray[np.float64]


def birds(seed: int = 7) -> npt.NDArray[np.float32]:
    """float32, (samples,), mono, 44,100 Hz; the same for the same seed."""
    random = np.random.default_rng(seed)
    sound = _background(random)
    for start in (0.6, 5.9):
        for beat in range(11):
            high = 4_300 if random.random() < 0.5 else 3_500
            _sing(sound, start + 0.24 * beat, 0.11, lambda at, high=high: high + 1_700 * (1 - at) ** 3, 0.2)
    for beat in range(22):
        _sing(sound, 3.9 + 0.055 * beat, 0.042, lambda at: 6_800 - 1_500 * at, 0.1 * min(1, (beat + 2) / 9))
    for start, first, last in ((9.2, 1_900, 2_500), (9.6, 2_600, 2_100), (10.0, 2_200, 3_000), (10.5, 3_000, 1_800)):
        _sing(
            sound,
            start,
            0.36,
            lambda at, a=first, b=last: a + (b - a) * at + 90 * np.sin(2 * np.pi * 11 * at),
            0.3,
        )
    for beat in range(4):
        _sing(sound, 12.2 + 0.3 * beat, 0.16, lambda at: 5_200 + 700 * np.sin(np.pi * at), 0.015)
    return sound.astype(np.float32)


def _background(random: np.random.Generator) -> Sound:
    samples = RATE * SECONDS
    hiss = random.standard_normal(samples)
    hertz = np.fft.rfftfreq(samples, 1 / RATE)
    wind = np.fft.irfft(np.fft.rfft(hiss) / np.maximum(hertz / 80, 1) ** 1.3, samples)
    gusts = 1 + 0.6 * np.sin(2 * np.pi * 0.13 * np.arange(samples) / RATE)
    background: Sound = 0.01 * gusts * wind / np.std(wind) + 0.0012 * hiss
    return background


def _sing(sound: Sound, start: float, seconds: float, hertz: Callable[..., Sound], level: float) -> None:
    """Adds a tone with an overtone; `hertz` of its course, 0..1."""
    at = np.linspace(0, 1, round(seconds * RATE))
    phase = 2 * np.pi * np.cumsum(hertz(at)) / RATE
    first = round(start * RATE)
    sound[first : first + len(at)] += level * np.sin(np.pi * at) ** 0.7 * (np.sin(phase) + 0.2 * np.sin(2 * phase))


if __name__ == "__main__":
    soundfile.write(Path(sys.argv[1]), birds(), RATE, subtype="PCM_16")
