"""Datasets: frozen lists of slices, to train on or to take elsewhere."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from chiffchaff_client.answers import Answer
from chiffchaff_client.bodies import Json
from chiffchaff_client.transport import Transport, at


class ClassSummary(Answer):
    """What a dataset holds of a species, and of it in the first fold, in the second, ..."""

    species: str
    common_name: str
    recordings: int
    slices: int
    recordists: int
    recordings_by_fold: list[int]
    slices_by_fold: list[int]


class Summary(Answer):
    """What a dataset holds, and what to mind."""

    recordings: int
    slices: int
    noise_slices: int
    folds: int | None = None
    licences: dict[str, int]
    classes: list[ClassSummary]
    warnings: list[str]


class Dataset(Answer):
    """Its sha256 names exactly these slices in this split."""

    id: str
    name: str
    sha256: str
    parameters: dict[str, Any]
    summary: Summary
    created_at: datetime


class Selection(TypedDict, total=False):
    """Which recordings a dataset takes, and how it splits them. docs/api.md says what each takes."""

    species: Sequence[str]
    quality: Sequence[str]
    licence: Sequence[str]
    no_derivatives: Literal["include", "exclude"]
    source: Sequence[str]
    country: Sequence[str]
    box: Sequence[float]
    """South, west, north, east in degrees."""
    recorded_from: date | str
    recorded_to: date | str
    month: Sequence[int]
    background: Sequence[str]
    min_signal_fraction: float
    min_recordings: int
    max_recordings: int
    min_slices: int
    max_slices: int
    max_slices_per_recording: int
    folds: int
    seed: int


class Datasets:
    """`chiffchaff.datasets`"""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, name: str, **selection: Unpack[Selection]) -> Dataset:
        """Freezes what the library holds now: which slices, and who is tested on whom."""
        return self._transport.make("/datasets", Dataset, Json({"name": name, **as_json(selection)}))

    def list(self, *, sha256: str | None = None, limit: int | None = None) -> Iterator[Dataset]:
        """The newest first, at most `limit`; or those with a hash, as models name it."""
        return self._transport.pages("/datasets", Dataset, limit, sha256=sha256)

    def get(self, dataset_id: str) -> Dataset:
        return self._transport.get(at("datasets", dataset_id), Dataset)

    def download(
        self, dataset_id: str, target: str | PathLike[str], *, format: Literal["parquet", "csv"] = "parquet"
    ) -> Path:
        """Saves a row for each slice."""
        return self._transport.save(at("datasets", dataset_id, "slices"), target, format=format)


def as_json(selection: Selection) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in selection.items()}
