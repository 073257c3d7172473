"""Ingestions as the API shows them: how far they are and what went wrong, quick however many files they have."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from services.ingest.taking import PREPARE
from shared.db.tables import FINAL_STATES, Ingestion, IngestionItem, Job
from shared.errors import InvalidInput
from shared.http.job_views import JobView
from shared.http.pages import Page

PROBLEMS_SHOWN = 20
FAILED = ("failed", "dead")

Outcome = Literal["waiting", "accepted", "known", "refused", "skipped", "unusable"]


class ItemProblem(BaseModel):
    path: str
    label: str | None
    code: str
    detail: str


class ItemView(BaseModel):
    """One file of an ingestion. `code` and `detail` say why it was left out, or why its preparation failed."""

    path: str
    label: str | None
    outcome: str
    recording_id: str | None
    job_id: str | None
    code: str | None
    detail: str


class Counts(BaseModel):
    """How many files: `accepted + known + refused` were looked at; of those accepted or known, how preparing stands.

    `skipped` are no recordings or were not wanted, which is no failure; `listed` are still to be fetched from a source
    that tells what it has.
    """

    accepted: int = 0
    known: int = 0
    refused: int = 0
    listed: int = 0
    skipped: int = 0
    prepared: int = 0
    unusable: int = 0
    cancelled: int = 0
    waiting: int = 0


class IngestionView(BaseModel):
    """An ingestion. It is over when no file waits any more, and has failed when not one could be used.

    `problems` are the first few; `GET /ingestions/{id}/items` lists all.
    """

    id: str
    source: str
    parameters: dict[str, Any]
    state: str
    fraction: float | None
    counts: Counts
    problems: list[ItemProblem]
    warnings: list[str]
    job: JobView
    created_at: datetime


def ingestion_view(session: Session, ingestion: Ingestion) -> IngestionView:
    job = session.get_one(Job, ingestion.job_id)
    counts = _counts(session, ingestion)
    return IngestionView(
        id=ingestion.id,
        source=ingestion.source,
        parameters=ingestion.parameters,
        state=_state(job, counts),
        fraction=_fraction(job, counts),
        counts=counts,
        problems=_problems(session, ingestion),
        warnings=ingestion.warnings,
        job=JobView.of(job),
        created_at=ingestion.created_at,
    )


def ingestion_items(
    session: Session, ingestion: Ingestion, outcome: Outcome | None, limit: int, cursor: str | None
) -> Page[ItemView]:
    """Its files by their paths; `unusable` are those whose preparation failed."""
    query = select(IngestionItem, Job).outerjoin(Job, Job.id == IngestionItem.job_id)
    query = query.where(IngestionItem.ingestion_id == ingestion.id).order_by(IngestionItem.path)
    if outcome == "unusable":
        query = query.where(_preparations(ingestion), Job.state.in_(FAILED))
    elif outcome is not None:
        query = query.where(IngestionItem.outcome == outcome)
    if cursor is not None:
        query = query.where(IngestionItem.path > _decoded(cursor))
    rows = session.execute(query.limit(limit + 1)).all()
    following = _encoded(rows[limit - 1][0].path) if len(rows) > limit else None
    return Page(items=[_item_view(item, job) for item, job in rows[:limit]], next=following)


def _counts(session: Session, ingestion: Ingestion) -> Counts:
    """From two indexes alone: what became of the files, and how the jobs that prepare them stand."""
    items = select(IngestionItem.outcome, func.count()).where(IngestionItem.ingestion_id == ingestion.id)
    taken: dict[str, int] = {row[0]: row[1] for row in session.execute(items.group_by(IngestionItem.outcome))}
    jobs = select(Job.state, func.count()).where(_preparations(ingestion)).group_by(Job.state)
    states: dict[str, int] = {row[0]: row[1] for row in session.execute(jobs)}
    waiting = sum(count for state, count in states.items() if state not in FINAL_STATES)
    unusable = sum(states.get(state, 0) for state in FAILED)
    cancelled = states.get("cancelled", 0)
    usable = taken.get("accepted", 0) + taken.get("known", 0)
    return Counts(
        accepted=taken.get("accepted", 0),
        known=taken.get("known", 0),
        refused=taken.get("refused", 0),
        listed=taken.get("waiting", 0),
        skipped=taken.get("skipped", 0),
        prepared=max(0, usable - waiting - unusable - cancelled),
        unusable=unusable,
        cancelled=cancelled,
        waiting=waiting,
    )


def _preparations(ingestion: Ingestion) -> ColumnElement[bool]:
    """The jobs that prepare its recordings: one for each that was not prepared before."""
    return (Job.parent_id == ingestion.job_id) & (Job.kind == PREPARE)


def _state(job: Job, counts: Counts) -> str:
    if job.state == "succeeded":
        nothing_taken = not (counts.accepted or counts.known)  # a dry run
        return "running" if counts.waiting else "succeeded" if counts.prepared or nothing_taken else "failed"
    return job.state


def _fraction(job: Job, counts: Counts) -> float | None:
    """Half of the way is taking the files in, half is preparing them."""
    if not job.progress_total:
        return None
    taken = 1.0 if job.state == "succeeded" else min(1.0, job.progress_done / job.progress_total)
    looked_at = counts.accepted + counts.known + counts.refused
    settled = (counts.prepared + counts.unusable + counts.cancelled + counts.refused) / looked_at if looked_at else 1.0
    return round(taken * (1 + settled) / 2, 4)


def _problems(session: Session, ingestion: Ingestion) -> list[ItemProblem]:
    """The first of the files that were refused or taken with a reservation, then of those that cannot be prepared."""
    columns = select(IngestionItem.path, IngestionItem.label)
    noted = (
        columns.add_columns(IngestionItem.error_code, IngestionItem.error)
        .where(
            IngestionItem.ingestion_id == ingestion.id,
            IngestionItem.error_code.is_not(None),
            IngestionItem.outcome != "skipped",
        )
        .order_by(IngestionItem.id)
    )
    # The few jobs first, then their items: the other way round, every item's job would be looked at.
    failed = select(Job.id, Job.error_code, Job.error).where(_preparations(ingestion), Job.state.in_(FAILED))
    few = failed.order_by(Job.created_at, Job.id).limit(PROBLEMS_SHOWN).subquery()
    unprepared = columns.add_columns(few.c.error_code, few.c.error).join(few, few.c.id == IngestionItem.job_id)
    found = [*_first(session, noted), *_first(session, unprepared.order_by(IngestionItem.id))]
    return found[:PROBLEMS_SHOWN]


def _first(session: Session, query: Select[Any]) -> Sequence[ItemProblem]:
    return [
        ItemProblem(path=path, label=label, code=code or "", detail=detail or "")
        for path, label, code, detail in session.execute(query.limit(PROBLEMS_SHOWN))
    ]


def _item_view(item: IngestionItem, job: Job | None) -> ItemView:
    failed = job if job is not None and job.error_code else None
    return ItemView(
        path=item.path,
        label=item.label,
        outcome=item.outcome,
        recording_id=item.recording_id,
        job_id=item.job_id,
        code=failed.error_code if failed else item.error_code,
        detail=(failed.error if failed else item.error) or "",
    )


def _encoded(path: str) -> str:
    return base64.urlsafe_b64encode(path.encode()).decode()


def _decoded(cursor: str) -> str:
    try:
        path = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("The cursor is not one that was given out.", hint="Leave it out to start anew.") from error
    if "\0" in path:
        raise InvalidInput("The cursor is not one that was given out.", hint="Leave it out to start anew.")
    return path
