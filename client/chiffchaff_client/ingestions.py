"""Ingestions: many recordings come in, from a folder or a manifest on the server, or from Xeno-canto."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from os import PathLike, fspath
from typing import Any, Literal, TypedDict, Unpack

from chiffchaff_client.answers import Answer
from chiffchaff_client.bodies import Json
from chiffchaff_client.jobs import Job
from chiffchaff_client.transport import Transport, at
from chiffchaff_client.work import Show, Work, wait_for


class Counts(Answer):
    """How many files: of those `accepted` or `known` before, how many are `prepared`, cannot be used, or wait."""

    accepted: int = 0
    known: int = 0
    refused: int = 0
    listed: int = 0
    skipped: int = 0
    prepared: int = 0
    unusable: int = 0
    cancelled: int = 0
    waiting: int = 0


class ItemProblem(Answer):
    """A file that could not be used, and why."""

    path: str
    label: str | None
    code: str
    detail: str


class Item(Answer):
    """A file of an ingestion, and what became of it."""

    path: str
    label: str | None
    outcome: str
    recording_id: str | None
    job_id: str | None
    code: str | None
    detail: str


class Ingestion(Work):
    """It has ended when no file waits any more, and has failed when not one could be used.

    `problems` are the first few; `Ingestions.items` gives all.
    """

    source: str
    parameters: dict[str, Any]
    fraction: float | None
    counts: Counts
    problems: list[ItemProblem]
    warnings: list[str]
    job: Job
    created_at: datetime

    @property
    def reason(self) -> str:
        return self.job.reason


class XenoCantoSearch(TypedDict, total=False):
    """Fields that build a search, or a `query` in Xeno-canto's own tags. docs/api.md says what each takes."""

    query: str
    species: Sequence[str]
    country: str
    quality: str
    unrated: bool
    type: str
    min_seconds: int
    max_seconds: int
    box: Sequence[float]
    year: int
    since: date | str
    max_per_species: int
    no_derivatives: Literal["include", "exclude"]
    dry_run: bool


class Ingestions:
    """`chiffchaff.ingestions`"""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def folder(self, path: str | PathLike[str], *, recordist: str = "", licence: str = "") -> Ingestion:
        """Of a folder on the server whose sub-folders are named by species."""
        return self._start({"source": "folder", "path": fspath(path), "recordist": recordist, "licence": licence})

    def manifest(self, path: str | PathLike[str], *, select: Mapping[str, Sequence[str]] | None = None) -> Ingestion:
        """Of a CSV file on the server; `select` takes only rows whose column holds one of these values."""
        return self._start({"source": "manifest", "path": fspath(path), "select": dict(select or {})})

    def xeno_canto(self, **search: Unpack[XenoCantoSearch]) -> Ingestion:
        """With `dry_run` nothing is downloaded, and `job.result["summary"]` says in the end what there is."""
        return self._start({"source": "xeno-canto", **search})

    def list(self, *, limit: int | None = None) -> Iterator[Ingestion]:
        """The newest first, at most `limit`."""
        return self._transport.pages("/ingestions", Ingestion, limit)

    def get(self, ingestion_id: str) -> Ingestion:
        return self._transport.get(at("ingestions", ingestion_id), Ingestion)

    def items(self, ingestion_id: str, *, outcome: str | None = None, limit: int | None = None) -> Iterator[Item]:
        """Its files by their paths: all, or those `accepted`, `known`, `refused`, `skipped` or `unusable`."""
        return self._transport.pages(at("ingestions", ingestion_id, "items"), Item, limit, outcome=outcome)

    def wait(
        self, ingestion_id: str, progress: Show[Ingestion] | None = None, *, seconds: float | None = None
    ) -> Ingestion:
        """See `Jobs.wait`."""
        return wait_for(lambda: self.get(ingestion_id), progress, seconds, self._transport.patience)

    def cancel(self, ingestion_id: str) -> Ingestion:
        """What is in stays in."""
        return self._transport.delete(at("ingestions", ingestion_id), Ingestion)

    def _start(self, source: Mapping[str, Any]) -> Ingestion:
        return self._transport.make("/ingestions", Ingestion, Json(source))
