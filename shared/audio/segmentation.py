"""What tells signal from noise: the parameters of a segmentation; two published sets of them and our own."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SegmentationPreset(BaseModel):
    """What every segmentation has: a spectrogram, two factors, and how the frames found are smoothed.

    Levels are taken over the whole recording, or over equal windows of it, none longer than `median_seconds`, so that
    memory stays flat.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    n_fft: int = Field(ge=16)
    hop: int = Field(ge=1)
    first_bin: int = Field(0, ge=0)
    end_bin: int | None = None
    """FFT bins first_bin:end_bin take part."""
    signal_factor: float = Field(gt=1)
    noise_factor: float = Field(gt=1)
    """How far a pixel has to stand out to be signal, and no longer noise."""
    min_frames: int = Field(1, ge=1)
    """Shorter runs of frames are dropped before they are smoothed."""
    frame_dilations: tuple[int, ...]
    """Lengths, in frames, of the dilations that smooth the indicator along time, one after the other."""
    median_seconds: float = Field(60.0, gt=0)

    @model_validator(mode="after")
    def _numbers_fit(self) -> Self:
        bins = self.n_fft // 2 + 1
        if not self.first_bin < (bins if self.end_bin is None else self.end_bin) <= bins:
            raise ValueError(f"bins {self.first_bin}:{self.end_bin} are not within the {bins} of the FFT")
        if self.noise_factor > self.signal_factor:
            raise ValueError("what is noise has to be no signal: noise_factor must not exceed signal_factor")
        return self


class ClippingPreset(SegmentationPreset):
    """Median clipping: a pixel counts when it is `factor` times its row's and its column's median.

    The spectrogram is scaled to 0..1 first.
    """

    power: bool
    """Medians and factors are those of |X|^2 rather than |X|."""
    strict: bool
    """It has to be more than that, rather than at least."""
    opening: int = Field(ge=1)
    """Side of the square that has to fit into a group of pixels, within the spectrogram, so that single ones go."""
    square_dilation: int = Field(1, ge=1)
    """Side of the square by which each pixel grows after that; 1 for none."""


class ContrastPreset(SegmentationPreset):
    """A pixel counts when it rises `factor` spreads over the level of its frequency. See `shared.audio.contrast`."""

    min_pixels: int = Field(ge=1)
    """A frame counts when that many of its pixels do."""
    short_seconds: float = Field(10.0, ge=0)
    """With less sound than that, song itself may be most of what there is."""


# Sprengel et al. 2016 (CEUR Vol-1609), at 22,050 Hz: bins 172 Hz to 9.95 kHz. What lies between the two factors is
# neither signal nor noise.
SPRENGEL2016 = ClippingPreset(
    name="sprengel2016",
    n_fft=512,
    hop=128,
    power=True,
    first_bin=4,
    end_bin=232,
    signal_factor=3.0,
    noise_factor=2.5,
    strict=False,
    opening=4,
    frame_dilations=(4, 4),
)

# The original work (DSR-Bird-Song 2019): noise is all that is not signal.
ORIGINAL = ClippingPreset(
    name="original",
    n_fft=2048,
    hop=512,
    power=False,
    signal_factor=3.0,
    noise_factor=3.0,
    strict=True,
    opening=4,
    square_dilation=4,
    frame_dilations=(15,),
)


# Our own: 300 Hz to 9.95 kHz. Chosen on one half of the mixtures of `bench.segmentation`, see docs/adr/0006.
CONTRAST = ContrastPreset(
    name="contrast",
    n_fft=1024,
    hop=512,
    first_bin=14,
    end_bin=462,
    signal_factor=4.5,
    noise_factor=4.0,
    min_pixels=3,
    min_frames=2,
    frame_dilations=(5,),
)

DEFAULT = CONTRAST

Preset = ClippingPreset | ContrastPreset
PRESETS: dict[str, Preset] = {preset.name: preset for preset in (CONTRAST, SPRENGEL2016, ORIGINAL)}
