"""The columns of CSV and Parquet: a row per detection, and one for each recording that has none or failed.

So that what was listened to in vain differs from what was never listened to. Columns are only ever added, at the end;
when one changes or goes, `SCHEMA_VERSION`, which stands in every row, counts up.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from services.inference.results.model import About, RecordingResult, Result
from services.inference.schemas import Detection

SCHEMA_VERSION = 1

Kind = Literal["path", "text", "number", "whole", "yes or no", "local time", "UTC time"]
Value = str | float | int | bool | datetime | None
Row = dict[str, Value]

COLUMNS: dict[str, Kind] = {
    "file": "path",
    "status": "text",
    "start_seconds": "number",
    "end_seconds": "number",
    "start_local": "local time",
    "start_utc": "UTC time",
    "species": "text",
    "common_name": "text",
    "confidence": "number",
    "windows": "whole",
    "known": "yes or no",
    "expected_here": "yes or no",
    "outcome": "text",
    "recording_seconds": "number",
    "recorded_at_from": "text",
    "sample_rate": "whole",
    "channels": "whole",
    "latitude": "number",
    "longitude": "number",
    "warnings": "text",
    "error": "text",
    "model_name": "text",
    "model_version": "text",
    "model_sha256": "text",
    "step_seconds": "number",
    "min_confidence": "number",
    "merge_gap_seconds": "number",
    "software_version": "text",
    "analysed_at": "UTC time",
    "analysis_id": "text",
    "schema_version": "whole",
}


def rows(results: Iterable[Result], about: About) -> Iterator[Row]:
    """A row for each detection, else one for the recording, with a value or None for each of `COLUMNS`, in their order.

    `status` is `detected`, `nothing detected` or `failed`. Local times are naive, UTC times are in UTC.
    """
    nothing: Row = dict.fromkeys(COLUMNS)
    shared = nothing | _of_all(about)
    for result in results:
        own = shared | {"file": result.file}
        if not isinstance(result, RecordingResult):
            yield own | {"status": "failed", "error": result.error}
            continue
        own |= _of_recording(result)
        if not result.detections:
            yield own | {"status": "nothing detected"}
        own["status"] = "detected"
        for detection in result.detections:
            yield own | _of_detection(detection, result)


def _of_all(about: About) -> Row:
    return {
        "model_name": about.model.name,
        "model_version": about.model.version,
        "model_sha256": about.model.sha256,
        "step_seconds": about.parameters.step,
        "min_confidence": about.parameters.min_confidence,
        "merge_gap_seconds": about.parameters.merge,
        "software_version": about.software_version,
        "analysed_at": about.made_at.astimezone(UTC),
        "analysis_id": about.id,
        "schema_version": SCHEMA_VERSION,
    }


def _of_recording(result: RecordingResult) -> Row:
    return {
        "outcome": result.outcome,
        "recording_seconds": result.seconds,
        "recorded_at_from": result.recorded_at_from,
        "sample_rate": result.sample_rate,
        "channels": result.channels,
        "latitude": result.latitude,
        "longitude": result.longitude,
        "warnings": " ".join(result.warnings) or None,
        **_moments(result.recorded_at),
    }


def _of_detection(detection: Detection, result: RecordingResult) -> Row:
    return {
        "start_seconds": detection.start,
        "end_seconds": detection.end,
        "species": detection.species,
        "common_name": detection.common_name,
        "confidence": detection.confidence,
        "windows": detection.windows,
        "known": detection.known,
        "expected_here": detection.expected_here,
        **_moments(result.moment(detection.start)),
    }


def _moments(moment: datetime | None) -> dict[str, Any]:
    if moment is None:
        return {}
    return {
        "start_local": moment.replace(tzinfo=None),
        "start_utc": None if moment.tzinfo is None else moment.astimezone(UTC),
    }
