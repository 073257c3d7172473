"""Analyses: long or many recordings, heard in the background; their results in every format."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal, Unpack

import httpx

from chiffchaff_client.answers import Answer
from chiffchaff_client.bodies import Form, Json, Sound, name_of
from chiffchaff_client.classification import Asked, Detection, ModelName, Parameters, Ranked, parameters_of
from chiffchaff_client.events import Event, follow
from chiffchaff_client.filters import RecordingFilters
from chiffchaff_client.jobs import Failure, Progress
from chiffchaff_client.transport import Call, Transport, at
from chiffchaff_client.work import Show, Work, wait_for

Format = Literal[
    "json", "jsonl", "csv", "parquet", "raven", "raven-combined", "audacity", "kaleidoscope", "checklist", "birdnet-csv"
]
"""docs/result-formats.md describes them."""


class AnalysisCounts(Answer):
    """How many recordings, by what came out; `waiting` are not heard yet."""

    recordings: int
    waiting: int = 0
    species: int = 0
    unknown: int = 0
    nothing: int = 0
    failed: int = 0


class Analysis(Work):
    """It has failed when not one recording could be heard, or when some could not be tried.

    `seconds` is the sound heard so far, of whole recordings.
    """

    source: dict[str, Any]
    model: ModelName
    parameters: Parameters
    counts: AnalysisCounts
    seconds: float
    progress: Progress
    error: Failure | None
    cancel_requested: bool
    created_at: datetime
    finished_at: datetime | None

    @property
    def reason(self) -> str:
        return self.error.detail if self.error else ""


class AnalysedRecording(Answer):
    """A recording of an analysis by its `position`; `top` are the first of its ranking, whatever their confidence."""

    position: int
    file: str
    outcome: str
    seconds: float | None
    detections: int | None
    top: list[Ranked]
    recording_id: str | None
    code: str | None
    error: str | None


class RecordingResult(Answer):
    """All that was heard in one recording; where `status` is `failed`, `error` says why nothing was."""

    status: str
    file: str
    seconds: float | None = None
    sample_rate: int | None = None
    channels: int | None = None
    warnings: tuple[str, ...] = ()
    recorded_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    outcome: str | None = None
    ranking: tuple[Ranked, ...] = ()
    detections: tuple[Detection, ...] = ()
    code: str | None = None
    error: str | None = None


class Analyses:
    """`chiffchaff.analyses`"""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(self, recordings: Iterable[Sound], **asked: Unpack[Asked]) -> Analysis:
        """Of files that are sent; all are open meanwhile, so send some hundreds at once at most."""
        form = Form([("audio", name_of(one, "recording"), one) for one in recordings], {})
        return self._transport.make("/analyses", Analysis, form, **parameters_of(asked))

    def folder(self, path: str | PathLike[str], **asked: Unpack[Asked]) -> Analysis:
        """Of all recordings in a folder on the server, at any depth."""
        return self._start({"source": "folder", "path": fspath(path)}, asked)

    def library(
        self, recordings: Sequence[str] | None = None, filters: RecordingFilters | None = None, **asked: Unpack[Asked]
    ) -> Analysis:
        """Of recordings of the library: those with these ids, or those that the filters name (`{}`: all)."""
        chosen = {"recordings": None if recordings is None else list(recordings), "filters": filters}
        return self._start(
            {"source": "library", **{name: value for name, value in chosen.items() if value is not None}}, asked
        )

    def list(self, *, limit: int | None = None) -> Iterator[Analysis]:
        """The newest first, at most `limit`."""
        return self._transport.pages("/analyses", Analysis, limit)

    def get(self, analysis_id: str) -> Analysis:
        return self._transport.get(at("analyses", analysis_id), Analysis)

    def wait(
        self, analysis_id: str, progress: Show[Analysis] | None = None, *, seconds: float | None = None
    ) -> Analysis:
        """See `Jobs.wait`."""
        return wait_for(lambda: self.get(analysis_id), progress, seconds, self._transport.patience)

    def events(self, analysis_id: str) -> Iterator[Event]:
        """The analysis whenever it changed, until it has ended."""
        return follow(self._transport, at("analyses", analysis_id, "events"))

    def recordings(
        self, analysis_id: str, *, outcome: str | None = None, limit: int | None = None
    ) -> Iterator[AnalysedRecording]:
        """In their order: all, or those of one outcome: `waiting`, `species`, `unknown`, `nothing` or `failed`."""
        path = at("analyses", analysis_id, "recordings")
        return self._transport.pages(path, AnalysedRecording, limit, outcome=outcome)

    def result(self, analysis_id: str, position: int) -> RecordingResult:
        return self._transport.get(at("analyses", analysis_id, "recordings", str(position)), RecordingResult)

    def save(
        self, analysis_id: str, target: str | PathLike[str], format: Format = "csv", *, so_far: bool = False
    ) -> Path:
        """Saves the results; of a format with a file for each recording, those of several recordings as a ZIP.

        Args:
            so_far: also while it runs, of those recordings that are done.
        """
        return self._transport.save(at("analyses", analysis_id), target, format=format, so_far=so_far or None)

    def audio(self, analysis_id: str, position: int, target: str | PathLike[str]) -> Path:
        """Saves a recording as it came."""
        return self._transport.save(at("analyses", analysis_id, "recordings", str(position), "audio"), target)

    def snippet(
        self,
        analysis_id: str,
        position: int,
        target: str | PathLike[str],
        start: float,
        end: float,
        *,
        format: Literal["wav", "flac"] = "wav",
    ) -> Path:
        """Saves some seconds of a recording, ten minutes at most; its tags say what was detected there."""
        path = at("analyses", analysis_id, "recordings", str(position), "snippet")
        return self._transport.save(path, target, start=start, end=end, format=format)

    def delete(self, analysis_id: str) -> Analysis | None:
        """Stops one that runs, and what was heard stays; one that has ended is removed, and None is returned."""

        def read(response: httpx.Response) -> Analysis | None:
            return Analysis.model_validate_json(content) if (content := response.read()) else None

        # Sent twice it might remove what it was to stop.
        return self._transport.send(Call("DELETE", at("analyses", analysis_id)), read)

    def _start(self, source: dict[str, Any], asked: Asked) -> Analysis:
        return self._transport.make("/analyses", Analysis, Json({**source, "parameters": parameters_of(asked)}))
