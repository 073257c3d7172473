"""What decoding is allowed to take and what it says about a file. No codec is imported here."""

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field

from shared.audio.constants import SAMPLE_RATE
from shared.errors import SilentAudio

ANOTHER_PROGRAM = "Save the recording again with another program, as WAV or FLAC."
"""The hint for a file that a decoder cannot cope with."""
Told = Callable[[float | None], None]
"""Is told which share of a recording is done, 0..1; None where the recording does not say how long it is."""
SILENCE = 1e-5
"""Under this amplitude every prepared 16-bit sample would be zero."""


class AudioInfo(BaseModel):
    """A recording as it came. `seconds` is the header's word, None where the header is silent or only guesses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    codec: str
    sample_rate: int
    channels: int
    seconds: float | None = None


class DecodeLimits(BaseModel):
    """What a recording may be and what decoding it may take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_seconds: float = Field(0.1, gt=0)
    max_seconds: float = Field(90_000.0, gt=0, le=90_000.0)
    """25 h: a recorder that runs all day, on the day the clocks go back. A prepared WAV cannot hold more than 27 h."""
    max_channels: int = Field(32, ge=1)
    min_sample_rate: int = 1_000
    max_sample_rate: int = 384_000
    memory_mb: int = Field(512, ge=64)
    """Address space beyond what the decoder process has when it is idle."""
    wall_seconds: float = Field(900.0, gt=0)
    silence_too: bool = False
    """Whether a recording may be silent from end to end: as a recorder left outdoors may hear nothing."""


DEFAULT_LIMITS = DecodeLimits()


class DecodeReport(BaseModel):
    """How decoding went: `samples` mono samples at 22,050 Hz, and what a person should know about the file.

    `amplitude` is half the distance between the lowest and the highest sample before resampling.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    info: AudioInfo
    samples: int
    amplitude: float
    warnings: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return self.samples / SAMPLE_RATE

    @property
    def silent(self) -> bool:
        return self.amplitude < SILENCE

    @property
    def said_of_silence(self) -> str:
        return f"All {self.seconds:.1f} s of the recording are silent."


def require_sound(report: DecodeReport) -> None:
    """Raises SilentAudio when a recording holds nothing but silence, be it with a constant offset."""
    if report.silent:
        raise SilentAudio(
            " ".join((report.said_of_silence, *report.warnings)),
            hint="Check the microphone or the channel that was recorded, and send a recording with sound in it.",
        )
