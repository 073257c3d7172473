"""What an analysis says of each recording, and what of itself: the same for every format that it is written in."""

from datetime import datetime, timedelta, timezone
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from services.inference.schemas import Detection, Latitude, Longitude, ModelName, Outcome, Parameters, Ranked
from shared.audio.recorder_time import MOST_YEAR, Source

LEAST_YEAR = 1900


def writable(text: object) -> object:
    """Names of files may hold bytes that are no UTF-8, and NUL when they come through an API: shown as `\\udcff`."""
    if not isinstance(text, str):
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _fixed(moment: datetime) -> datetime:
    """With the offset that it has, for that of a time zone changes when seconds are added. Raises ValueError."""
    if not LEAST_YEAR <= moment.year <= MOST_YEAR:
        raise ValueError(f"no recording is of the year {moment.year}")
    offset = moment.utcoffset()
    return moment if offset is None else moment.replace(tzinfo=timezone(offset))


Text = Annotated[str, BeforeValidator(writable)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RecordingResult(_Part):
    """What was heard in one recording. `file` is its path or name, as it was given."""

    status: Literal["analysed"] = "analysed"
    file: Text
    seconds: Seconds
    sample_rate: int = Field(ge=1)
    channels: int = Field(ge=1)
    warnings: tuple[Text, ...] = ()
    recorded_at: Annotated[datetime, AfterValidator(_fixed)] | None = None
    """Of the first sample. Without an offset from UTC it is what the recorder's clock showed, wherever that was."""
    recorded_at_from: Source | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    outcome: Outcome | None = None
    ranking: tuple[Ranked, ...] = ()
    detections: tuple[Detection, ...] = ()
    """In order of time."""

    def moment(self, seconds: float) -> datetime | None:
        """What the clock showed so many seconds after the first sample; None where nobody knows."""
        return None if self.recorded_at is None else self.recorded_at + timedelta(seconds=seconds)


class FailedRecording(_Part):
    """A recording about which nothing can be said, and why; it stands in the list where its result would."""

    status: Literal["failed"] = "failed"
    file: Text
    code: str | None = None
    """Of the error, the same for all of its kind."""
    error: Text = Field(min_length=1)


Result = Annotated[RecordingResult | FailedRecording, Field(discriminator="status")]
"""One of a list of results."""


class AnsweringModel(ModelName):
    """Which model answered; `sha256` is of its file."""

    model_config = ConfigDict(frozen=True)

    sha256: str


class About(_Part):
    """Everything that is needed to repeat an analysis, but for the recordings."""

    id: str
    made_at: AwareDatetime
    software_version: str
    model: AnsweringModel
    parameters: Parameters
