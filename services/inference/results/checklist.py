"""A checklist: which species, where and when first, how often and how surely. For a person, a report, an eBird entry.

Not eBird's own import format: that asks for places and numbers of birds, which nobody has counted here.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from services.inference.results.model import About, RecordingResult, Result
from services.inference.results.text import Utf8, either, harmless, harmless_path
from services.inference.schemas import Detection

COLUMNS = (
    "species",
    "common_name",
    "first_heard",
    "first_file",
    "first_seconds",
    "recordings",
    "detections",
    "highest_confidence",
)


@dataclass
class _Heard:
    first: Detection
    first_in: RecordingResult
    latest_in: RecordingResult
    recordings: int = 1
    detections: int = 0
    confidence: float = 0.0

    def add(self, one: Detection, result: RecordingResult) -> None:
        if result is not self.latest_in:
            self.latest_in = result
            self.recordings += 1
        if _earlier(result.moment(one.start), self.first_in.moment(self.first.start)):
            self.first, self.first_in = one, result
        self.detections += 1
        self.confidence = max(self.confidence, one.confidence)


def write_checklist(results: Iterable[Result], about: About, file: BinaryIO) -> None:
    """CSV, UTF-8, a row for each species, by scientific name. It is written once the last recording has come.

    `first_heard` is the earliest time that is known; where none is, the first recording that was given counts.
    """
    heard: dict[str, _Heard] = {}
    for result in results:
        if isinstance(result, RecordingResult):
            for one in result.detections:
                heard.setdefault(one.species, _Heard(one, result, result)).add(one, result)
    writer = csv.writer(Utf8(file))
    writer.writerow(COLUMNS)
    for species, its in sorted(heard.items()):
        writer.writerow([
            harmless(species),
            harmless(its.first.common_name),
            either(its.first_in.moment(its.first.start)),
            harmless_path(its.first_in.file),
            its.first.start,
            its.recordings,
            its.detections,
            its.confidence,
        ])  # fmt: skip


def _earlier(one: datetime | None, other: datetime | None) -> bool:
    """Where one of them has no offset from UTC, by what the clocks showed."""
    if one is None or other is None:
        return one is not None
    if (one.tzinfo is None) != (other.tzinfo is None):
        return one.replace(tzinfo=None) < other.replace(tzinfo=None)
    return one < other
