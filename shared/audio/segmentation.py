"""What tells signal from noise: the parameters of a segmentation, and the two published sets of them."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SegmentationPreset(BaseModel):
    """Median clipping: how a spectrogram becomes sections with and without a singing bird.

    Medians and the scaling to 0..1 are taken over the whole recording, or over equal windows of it, none longer than
    `median_seconds`, so that memory stays flat.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    n_fft: int = Field(ge=16)
    hop: int = Field(ge=1)
    power: bool
    """|X|^2 rather than |X|."""
    first_bin: int = Field(0, ge=0)
    end_bin: int | None = None
    """FFT bins first_bin:end_bin take part."""
    signal_factor: float = Field(gt=1)
    noise_factor: float = Field(gt=1)
    """A pixel counts when it is that many times its row's and its column's median."""
    strict: bool
    """It has to be more than that, rather than at least."""
    opening: int = Field(ge=1)
    """Side of the square that has to fit into a group of pixels, within the spectrogram, so that single ones go."""
    square_dilation: int = Field(1, ge=1)
    """Side of the square by which each pixel grows after that; 1 for none."""
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


# Sprengel et al. 2016 (CEUR Vol-1609), at 22,050 Hz: bins 172 Hz to 9.95 kHz. What lies between the two factors is
# neither signal nor noise.
SPRENGEL2016 = SegmentationPreset(
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
ORIGINAL = SegmentationPreset(
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


DEFAULT = SPRENGEL2016


def segmentation_preset(name: str) -> SegmentationPreset:
    """The preset of that name, `sprengel2016` or `original`. Raises KeyError."""
    return {preset.name: preset for preset in (SPRENGEL2016, ORIGINAL)}[name]
