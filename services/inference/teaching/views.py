"""Reviews as the API shows them, one by one and counted."""

from collections import Counter
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from services.inference.schemas import ModelName
from services.inference.teaching.candidates import Guess, waiting_candidates
from shared.db.tables import Job, Review
from shared.errors import NotFound
from shared.http.job_views import Failure
from shared.http.pages import ID, Page, page_of

State = Literal["queued", "running", "succeeded", "failed", "dead", "cancelled"]
Verdict = Literal["confirmed", "corrected", "noise", "unknown", "added"]
TAKING = ("queued", "running")
FAILED = ("failed", "dead")

_EXAMPLE: dict[str, JsonValue] = {
    "id": "5b9e8d613f0e6c1f9a5e4c0b8f1d2a7c",
    "candidate": "123",
    "analysis": "3f0e6c1f9a5e4c0b8f1d2a7c5b9e8d61",
    "position": 0,
    "file": "2026/dawn.wav",
    "start": 12.5,
    "end": 17.5,
    "verdict": "corrected",
    "species": "Parus major",
    "common_name": "Great Tit",
    "heard": {"species": "Fringilla coelebs", "common_name": "Common Chaffinch", "confidence": 0.52},
    "model": {"name": "garden-birds", "version": "2"},
    "job": "8f1d2a7c5b9e8d613f0e6c1f9a5e4c0b",
    "state": "succeeded",
    "recording_id": "9a5e4c0b8f1d2a7c5b9e8d613f0e6c1f",
    "error": None,
    "created_at": "2026-05-02T06:10:00Z",
}


class ReviewView(BaseModel):
    """What a person said of a passage. `state` is that of the job that takes it into the library."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    candidate: str | None = Field(description="null where a person drew the stretch")
    analysis: str
    position: int
    file: str
    start: float
    end: float
    verdict: Verdict
    species: str | None
    common_name: str
    heard: Guess | None = Field(description="What the model had said; null where a person drew the stretch")
    model: ModelName
    job: str
    state: State
    recording_id: str | None = Field(description="In the library, once it is there")
    error: Failure | None
    created_at: datetime

    @classmethod
    def of(cls, row: Review, job: Job) -> "ReviewView":
        return cls(
            id=row.id,
            candidate=None if row.candidate_id is None else str(row.candidate_id),
            analysis=row.analysis_id,
            position=row.position,
            file=row.file,
            start=row.start,
            end=row.end,
            verdict=row.verdict,
            species=row.species,
            common_name=row.common_name,
            heard=None if row.heard is None else Guess.model_validate(row.heard),
            model=ModelName.model_validate(row.model),
            job=job.id,
            state=job.state,
            recording_id=row.recording_id,
            error=Failure(code=job.error_code, detail=job.error or "") if job.error_code else None,
            created_at=row.created_at,
        )


class SpeciesCount(BaseModel):
    species: str
    common_name: str
    count: int


class ReviewCounts(BaseModel):
    """How far the reviewing is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "waiting": 812,
                    "reviewed": 40,
                    "verdicts": {"confirmed": 20, "corrected": 9, "noise": 8, "unknown": 2, "added": 1},
                    "species": [{"species": "Parus major", "common_name": "Great Tit", "count": 12}],
                    "taking": 3,
                    "failed": 0,
                }
            ]
        }
    )

    waiting: int = Field(description="Candidates without a review")
    reviewed: int
    verdicts: dict[Verdict, int]
    species: list[SpeciesCount] = Field(description="Whom people heard, the most frequent first")
    taking: int = Field(description="Reviews that the library is still taking in")
    failed: int = Field(description="Reviews that it could not take in; each says why")


def valid_reviews(*columns: Any, analysis_id: str | None = None, since: datetime | None = None) -> Select[Any]:
    """Of one analysis or of all, of any time or newer than `since`, without those that were withdrawn."""
    query = select(*columns).where(Review.withdrawn_at.is_(None))
    if analysis_id is not None:
        query = query.where(Review.analysis_id == analysis_id)
    return query if since is None else query.where(Review.created_at > since)


def review_of(session: Session, review_id: str) -> Review:
    """Raises NotFound, also for one that was withdrawn."""
    row = session.get(Review, review_id) if ID.fullmatch(review_id) else None
    if row is None or row.withdrawn_at is not None:
        raise NotFound(f"There is no review {review_id}.", hint="GET /reviews lists those that were not withdrawn.")
    return row


def review_view(session: Session, row: Review) -> ReviewView:
    return ReviewView.of(row, session.get_one(Job, row.job_id))


def review_page(session: Session, analysis_id: str | None, limit: int, cursor: str | None) -> Page[ReviewView]:
    rows, following = page_of(session, valid_reviews(Review, analysis_id=analysis_id), Review, limit, cursor)
    jobs = {job.id: job for job in session.scalars(select(Job).where(Job.id.in_([row.job_id for row in rows])))}
    return Page(items=[ReviewView.of(row, jobs[row.job_id]) for row in rows], next=following)


def review_counts(session: Session, analysis_id: str | None, since: datetime | None) -> ReviewCounts:
    by_verdict = dict.fromkeys(("confirmed", "corrected", "noise", "unknown", "added"), 0)
    by_state: Counter[str] = Counter()
    columns = Review.verdict, Job.state, func.count()
    grouped = valid_reviews(*columns, analysis_id=analysis_id, since=since).join(Job, Job.id == Review.job_id)
    for verdict, state, count in session.execute(grouped.group_by(Review.verdict, Job.state)):
        by_verdict[verdict] += count
        by_state[state] += count
    return ReviewCounts(
        waiting=waiting_candidates(session, analysis_id),
        reviewed=sum(by_verdict.values()),
        verdicts=by_verdict,
        species=_by_species(session, analysis_id, since),
        taking=sum(by_state[state] for state in TAKING),
        failed=sum(by_state[state] for state in FAILED),
    )


def _by_species(session: Session, analysis_id: str | None, since: datetime | None) -> list[SpeciesCount]:
    count = func.count().label("count")
    columns = Review.species, func.max(Review.common_name), count
    reviews = valid_reviews(*columns, analysis_id=analysis_id, since=since)
    query = reviews.where(Review.species.is_not(None))
    rows = session.execute(query.group_by(Review.species).order_by(count.desc(), Review.species))
    return [SpeciesCount(species=row[0], common_name=row[1], count=row[2]) for row in rows]
