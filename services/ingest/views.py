"""Recordings and ingestions as the API shows them. Times are in seconds."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.db.tables import FINAL_STATES, Ingestion, IngestionItem, Job, Recording
from shared.http.job_views import JobView

PROBLEMS_SHOWN = 200


class RecordingView(BaseModel):
    """A recording with its origin. `prepared` says whether sections and slices are there."""

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


class ItemProblem(BaseModel):
    path: str
    label: str | None
    code: str
    detail: str


class Counts(BaseModel):
    """How many files: `accepted + known + refused` were looked at; of those accepted or known, how preparing stands.

    Of a source that tells what it has: `listed` are still to be fetched, `skipped` were not wanted.
    """

    accepted: int = 0
    known: int = 0
    refused: int = 0
    listed: int = 0
    skipped: int = 0
    prepared: int = 0
    unusable: int = 0
    waiting: int = 0


class IngestionView(BaseModel):
    """An ingestion. It is over when no file waits any more, and has failed when not one could be used."""

    id: str
    source: str
    parameters: dict[str, Any]
    state: str
    fraction: float | None
    counts: Counts
    problems: list[ItemProblem]
    job: JobView
    created_at: datetime


def ingestion_view(session: Session, ingestion: Ingestion) -> IngestionView:
    job = session.get_one(Job, ingestion.job_id)
    mine = IngestionItem.ingestion_id == ingestion.id
    counts = Counts()
    query = select(IngestionItem.outcome, Job.state, func.count()).outerjoin(Job, Job.id == IngestionItem.job_id)
    for outcome, state, count in session.execute(query.where(mine).group_by(IngestionItem.outcome, Job.state)):
        name = "listed" if outcome == "waiting" else outcome
        setattr(counts, name, getattr(counts, name) + count)
        if outcome in ("accepted", "known"):
            stage = "prepared" if state in (None, "succeeded") else "unusable" if state in FINAL_STATES else "waiting"
            setattr(counts, stage, getattr(counts, stage) + count)
    return IngestionView(
        id=ingestion.id,
        source=ingestion.source,
        parameters=ingestion.parameters,
        state=_state(job, counts),
        fraction=_fraction(job, counts),
        counts=counts,
        problems=_problems(session, ingestion.id),
        job=JobView.of(job),
        created_at=ingestion.created_at,
    )


def _state(job: Job, counts: Counts) -> str:
    if job.state == "succeeded":
        nothing_taken = not (counts.accepted or counts.known)  # a dry run
        return "running" if counts.waiting else "succeeded" if counts.prepared or nothing_taken else "failed"
    return job.state


def _fraction(job: Job, counts: Counts) -> float | None:
    """Half of the way is taking the files in, half is preparing them."""
    if not job.progress_total:
        return None
    if job.state == "succeeded" and not (counts.accepted or counts.known):
        return 1.0
    taken = min(1.0, job.progress_done / job.progress_total)
    settled = counts.prepared + counts.unusable + counts.refused
    return round((taken + min(1.0, settled / job.progress_total)) / 2, 4)


def _problems(session: Session, ingestion_id: str) -> list[ItemProblem]:
    code = func.coalesce(IngestionItem.error_code, Job.error_code)
    detail = func.coalesce(IngestionItem.error, Job.error, "")
    query = (
        select(IngestionItem.path, IngestionItem.label, code, detail)
        .outerjoin(Job, Job.id == IngestionItem.job_id)
        .where(IngestionItem.ingestion_id == ingestion_id, IngestionItem.outcome != "skipped", code.is_not(None))
        .order_by(IngestionItem.id)
        .limit(PROBLEMS_SHOWN)
    )
    return [ItemProblem(path=row[0], label=row[1], code=row[2], detail=row[3]) for row in session.execute(query)]


def recording_fields(row: Recording) -> dict[str, Any]:
    same = (
        "id", "sha256", "secondary", "source", "source_url", "xc_id", "recordist", "licence", "country", "locality",
        "latitude", "longitude", "recorded_on", "recorded_time", "quality", "signal_seconds",
        "segmentation", "details", "format", "sample_rate", "channels", "seconds", "warnings",
        "created_at", "deleted_at",
    )  # fmt: skip
    return {
        **{name: getattr(row, name) for name in same},
        "name": row.original_name,
        "species": row.label,
        "prepared": row.prepared_at is not None,
    }
