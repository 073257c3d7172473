"""Recordings as the API shows them. Times are in seconds."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from shared.db.tables import Recording
from shared.http.job_views import JobView
from shared.licences import licence_of


class RecordingView(BaseModel):
    """A recording with its origin. `prepared` says whether sections and slices are there.

    `licence` is as the source wrote it; `licence_name` is its usual name, `licence_url` empty where none is known.
    """

    id: str
    sha256: str
    name: str
    species: str | None
    secondary: list[str]
    source: str
    source_url: str
    xc_id: str | None
    recordist: str
    licence: str
    licence_name: str
    licence_url: str
    country: str
    locality: str
    latitude: float | None
    longitude: float | None
    recorded_on: date | None
    recorded_time: str
    quality: str | None
    details: dict[str, Any]
    prepared: bool
    format: str | None
    sample_rate: int | None
    channels: int | None
    seconds: float | None
    signal_seconds: float | None
    segmentation: str | None
    warnings: list[str]
    created_at: datetime
    deleted_at: datetime | None

    @classmethod
    def of(cls, row: Recording) -> "RecordingView":
        return cls(**recording_fields(row))


class RecordingCount(BaseModel):
    """How many recordings, how long they are, and how long a bird is heard in them."""

    recordings: int
    seconds: float
    signal_seconds: float


class NewRecording(BaseModel):
    """The answer to an upload: `job` prepares the recording; null where it was here and prepared before.

    `restored` says that it had been deleted and is in the library again.
    """

    recording: RecordingView
    known: bool
    restored: bool
    job: JobView | None


def recording_fields(row: Recording) -> dict[str, Any]:
    same = (
        "id", "sha256", "secondary", "source", "source_url", "xc_id", "recordist", "licence", "country", "locality",
        "latitude", "longitude", "recorded_on", "recorded_time", "quality", "signal_seconds",
        "segmentation", "details", "format", "sample_rate", "channels", "seconds", "warnings",
        "created_at", "deleted_at",
    )  # fmt: skip
    licence = licence_of(row.licence)
    return {
        **{name: getattr(row, name) for name in same},
        "licence_name": licence.name,
        "licence_url": licence.url,
        "name": row.original_name,
        "species": row.label,
        "prepared": row.prepared_at is not None,
    }
