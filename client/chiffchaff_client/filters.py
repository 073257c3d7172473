"""Which recordings are meant: the filters that lists, counts, statistics and attributions have in common."""

from collections.abc import Sequence
from datetime import date
from typing import Literal, TypedDict


class RecordingFilters(TypedDict, total=False):
    """They narrow each other; several values of one widen it. docs/api.md says what each takes."""

    species: Sequence[str]
    quality: Sequence[str]
    licence: Sequence[str]
    no_derivatives: Literal["include", "exclude"]
    country: Sequence[str]
    recordist: Sequence[str]
    source: str
    xc_id: Sequence[str]
    sha256: str
    box: str
    """South, west, north, east in degrees, separated by commas."""
    recorded_from: date | str
    recorded_to: date | str
    month: Sequence[int]
    prepared: bool
    min_signal_seconds: float
    ingestion_id: str
    text: str
    deleted: Literal["exclude", "only", "include"]
