"""What a front end computes: its parameters, with the derived numbers computed and checked."""

from functools import cached_property
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.audio.constants import SAMPLE_RATE, WINDOW_SECONDS
from shared.audio.mel import MelBands, mel_bank


class FrontEndConfig(BaseModel):
    """Waveform window -> picture, (samples,) -> (n_mels, frames). Frozen; goes into the model file as it is.

    Raises pydantic.ValidationError when the numbers do not fit each other: a band above Nyquist, a window that is no
    whole number of samples, a mel band so narrow that no FFT bin falls into it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "custom"
    sample_rate: int = Field(SAMPLE_RATE, ge=1_000, le=384_000)
    window_seconds: float = Field(WINDOW_SECONDS, gt=0, le=60)
    n_fft: int = Field(ge=16, le=16_384)
    """Samples per STFT frame, Hann, centred, reflected at the edges."""
    hop: int = Field(ge=1)
    """Samples from frame to frame."""
    n_mels: int = Field(ge=1, le=1_024)
    fmin: float = Field(ge=0)
    fmax: float
    compression: Literal["power", "log", "pcen"]
    """power: none. log: decibels down to `floor_db` under the window's loudest pixel. pcen: Wang et al. 2017."""
    normalisation: Literal["none", "minmax", "standardise", "sliding"]
    """Of each window by itself: minmax to 0..1, standardise to mean 0 and variance 1. Silence becomes 0.

    sliding: each frame to mean 0 and variance 1 over the `sliding_seconds` around it, as far as there is sound, so that
    the picture of a long recording is that of its windows joined, but for their edges."""
    sliding_seconds: float = Field(5.0, gt=0, le=60)
    floor_db: float = Field(80.0, gt=0, le=120)
    pcen_seconds: float = Field(0.4, gt=0)
    """Time constant of PCEN's smoother."""
    pcen_gain: float = Field(0.98, ge=0, le=1)
    pcen_bias: float = Field(2.0, ge=0)
    pcen_power: float = Field(0.5, gt=0, le=1)

    @model_validator(mode="after")
    def _numbers_fit(self) -> Self:
        samples = self.window_seconds * self.sample_rate
        if abs(samples - round(samples)) > 1e-6:
            raise ValueError(f"a window of {self.window_seconds} s is not a whole number of samples: {samples}")
        if self.n_fft % 2 or self.hop > self.n_fft or self.n_fft > self.window_samples:
            raise ValueError("n_fft must be even, at least the hop and at most the window")
        if not self.fmin < self.fmax <= self.sample_rate / 2:
            raise ValueError(f"the band must be rising and end at {self.sample_rate / 2} Hz (Nyquist) or below")
        dead = np.flatnonzero(self.mel_bank().max(axis=1) <= 0)
        if len(dead):
            raise ValueError(f"{len(dead)} mel bands hold no FFT bin: take fewer mels or a larger n_fft")
        return self

    @cached_property
    def window_samples(self) -> int:
        return round(self.window_seconds * self.sample_rate)

    @cached_property
    def frames(self) -> int:
        """Frames of one window: one per hop, and one at each end."""
        return 1 + self.window_samples // self.hop

    @cached_property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    @cached_property
    def mel_bands(self) -> MelBands:
        """Power spectrogram -> mel power, (frames, n_fft // 2 + 1) -> (frames, n_mels), in numpy."""
        return MelBands(self.mel_bank())

    def mel_bank(self) -> npt.NDArray[np.float32]:
        """The filters, (n_mels, n_fft // 2 + 1)."""
        return mel_bank(
            sample_rate=self.sample_rate, n_fft=self.n_fft, n_mels=self.n_mels, fmin=self.fmin, fmax=self.fmax
        )


# The original work's picture (DSR-Bird-Song 2019), its band ended at Nyquist instead of at 12 kHz.
ORIGINAL = FrontEndConfig(
    name="original", n_fft=2048, hop=512, n_mels=256, fmin=0, fmax=11_025, compression="power", normalisation="minmax"
)

# For training: 46 ms frames keep trills apart, under 150 Hz is wind, PCEN (Lostanlen et al. 2019) lifts the bird out of
# a steady background, and standardising makes the gain of a microphone meaningless; it slides, so that a recording of
# any length can be heard at once. On three of five folds of the garden birds, recordists apart, networks on PCEN got
# 0.52 to 0.58 top-1, on decibels 0.46 (about 140 recordings).
FIELD = FrontEndConfig(
    name="field",
    n_fft=1024,
    hop=512,
    n_mels=96,
    fmin=150,
    fmax=11_025,
    compression="pcen",
    normalisation="sliding",
    pcen_seconds=0.3,
    pcen_gain=0.8,
)


def preset(name: str) -> FrontEndConfig:
    """The front end of that name, `original` or `field`. Raises KeyError."""
    return {config.name: config for config in (ORIGINAL, FIELD)}[name]
