"""The library's recordings: upload, search, look, delete, restore."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from typing import Any, TypedDict, Unpack

from chiffchaff_client.answers import Answer
from chiffchaff_client.bodies import Form, Json, Sound, name_of
from chiffchaff_client.filters import RecordingFilters
from chiffchaff_client.jobs import Job
from chiffchaff_client.transport import Transport, at


class Recording(Answer):
    """A recording with its origin. `prepared` says whether it was searched for birds."""

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


class Arrival(Answer):
    """An ingestion that brought a recording in, or met it again."""

    ingestion_id: str
    path: str
    outcome: str


class RecordingDetails(Recording):
    """With where it came from, newest first, and how much was found in it."""

    ingestions: list[Arrival]
    section_count: int
    slice_count: int


class RecordingCount(Answer):
    """How many recordings, how long they are, and how long a bird is heard in them."""

    recordings: int
    seconds: float
    signal_seconds: float


class Place(Answer):
    """The middle of the recordings of one cell, and how many they are; `box` is the filter that names just them."""

    latitude: float
    longitude: float
    box: str
    recordings: int


class ValueCount(Answer):
    value: str
    recordings: int


class Values(Answer):
    """The values that there are to filter by, those with most recordings first, at most two hundred of each."""

    licence: Sequence[ValueCount]
    recordist: Sequence[ValueCount]
    country: Sequence[ValueCount]
    source: Sequence[ValueCount]


class NewRecording(Answer):
    """An upload: `job` prepares it; None where it was here (`known`) and prepared before."""

    recording: Recording
    known: bool
    restored: bool = False
    job: Job | None


class Origin(TypedDict, total=False):
    """What is known of an upload; `label` is its species, `secondary` are others heard, separated by `;`."""

    label: str
    common_name: str
    secondary: str
    recordist: str
    licence: str
    source_url: str
    quality: str
    recorded_on: date | str
    recorded_time: str
    country: str
    locality: str
    latitude: float
    longitude: float


class Recordings:
    """`chiffchaff.recordings`"""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(
        self,
        recording: Sound,
        *,
        name: str | None = None,
        annotations: str | PathLike[str] | None = None,
        **origin: Unpack[Origin],
    ) -> NewRecording:
        """Sends a recording into the library. The same content twice is one recording.

        Args:
            name: of the file, where it is not the one that is given.
            annotations: a Raven or Audacity file of what is heard when.
        """
        files: list[tuple[str, str, Sound]] = [("audio", name or name_of(recording, "recording"), recording)]
        if annotations is not None:
            files.append(("annotations", Path(annotations).name, annotations))
        fields = {field: str(value) for field, value in origin.items() if value is not None}
        return self._transport.make("/recordings", NewRecording, Form(files, fields))

    def list(self, *, limit: int | None = None, **filters: Unpack[RecordingFilters]) -> Iterator[Recording]:
        """Those that the filters name, newest first, at most `limit`; page after page is asked for while it is read."""
        return self._transport.pages("/recordings", Recording, limit, **filters)

    def count(self, **filters: Unpack[RecordingFilters]) -> RecordingCount:
        return self._transport.get("/recordings/count", RecordingCount, **filters)

    def places(self, *, cell: float | None = None, **filters: Unpack[RecordingFilters]) -> Sequence[Place]:
        """Where they were made, by cells of so many degrees (1 if left out): those with most recordings first."""
        return self._transport.get("/recordings/places", list[Place], cell=cell, **filters)

    def values(self, **filters: Unpack[RecordingFilters]) -> Values:
        """Their licences, recordists, countries and sources."""
        return self._transport.get("/recordings/values", Values, **filters)

    def get(self, recording_id: str) -> RecordingDetails:
        """Also a deleted one."""
        return self._transport.get(at("recordings", recording_id), RecordingDetails)

    def download(self, recording_id: str, target: str | PathLike[str]) -> Path:
        """Saves the original file."""
        return self._transport.save(at("recordings", recording_id, "audio"), target)

    def delete(self, recording_id: str) -> Recording:
        """Takes it out of lists, statistics and new datasets; `restore` puts it back."""
        return self._transport.delete(at("recordings", recording_id), Recording)

    def restore(self, recording_id: str) -> Recording:
        return self._transport.post(at("recordings", recording_id, "restore"), Recording)

    def prepare(self, recording_id: str, *, preset: str | None = None) -> Job:
        """Finds its birds anew; what is there stays until it is replaced."""
        return self._transport.make(at("recordings", recording_id, "prepare"), Job, Json({"preset": preset}))

    def prepare_all(self, *, preset: str | None = None, only_other: bool = True) -> Job:
        """Finds birds anew in all, or in all but those that this preset prepared; the job queues one for each."""
        body = Json({"preset": preset, "only_other": only_other})
        return self._transport.make("/preparations", Job, body)
