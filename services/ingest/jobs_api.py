"""Jobs of every service: what runs, how far it is, what failed and why; cancel and retry.

Who may start a kind of job may cancel and retry it.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.ingest.moving_jobs import Counting, JobCount, JobTeller, State, counts_of_jobs
from services.ingest.reviewing import TAKE_IN
from services.ingest.verification import VERIFY
from shared import jobs
from shared.db.base import now
from shared.db.tables import Job
from shared.housekeeping import PRUNE
from shared.http.asked import MOST_INT, Asked
from shared.http.auth import Calling, needs, require
from shared.http.job_views import JobView, job_events
from shared.http.moves import LastEventId, moves_told
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.resources import Reads, Writes

router = APIRouter(prefix="/jobs", tags=["jobs"], dependencies=[needs("ingest", "train")])

FOR_ADMINS = (VERIFY, PRUNE)
FOR_WHO_TRAINS = ("trainer.", TAKE_IN)
"""How kinds of jobs begin that a training or a review starts."""


class Retry(Asked):
    """Which jobs to queue once more."""

    state: Literal["failed", "dead", "cancelled"] = "dead"
    kind: str | None = Field(None, description="Such as preprocess.prepare; all kinds if left out")


class Retried(BaseModel):
    queued: int


@router.get("", summary="The jobs, newest first")
async def list_jobs(
    reads: Reads,
    state: State | None = None,
    kind: Annotated[str | None, Query(description="Such as preprocess.prepare")] = None,
    parent_id: str | None = None,
    top_level: Annotated[bool, Query(description="Only those that no other job started")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[JobView]:
    query = select(Job).where(Job.parent_id.is_(None)) if top_level else select(Job)
    for column, value in ((Job.state, state), (Job.kind, kind), (Job.parent_id, parent_id)):
        if value is not None:
            query = query.where(column == value)

    def read(session: Session) -> Page[JobView]:
        rows, following = page_of(session, query, Job, limit, cursor)
        return Page(items=[JobView.of(row) for row in rows], next=following)

    async with reads() as session:
        return await session.run_sync(read)


@router.get("/counts", summary="How many jobs there are, by kind and state")
async def count_jobs(
    reads: Reads, parent_id: Annotated[str | None, Query(description="Only those that this job started")] = None
) -> list[JobCount]:
    async with reads() as session:
        return await session.run_sync(counts_of_jobs, parent_id)


@router.get("/events", response_class=EventSourceResponse, summary="What moves among the jobs, as server-sent events")
async def watch_jobs(
    reads: Reads,
    kind: Annotated[str | None, Query(description="Such as preprocess.prepare")] = None,
    top_level: Annotated[bool, Query(description="Only jobs that no other job started")] = False,
    counts: Annotated[bool, Query(description="Also how many jobs there are, by kind and state")] = False,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """For pages that list jobs: one stream for all of them, with at most one event of each kind a second.

    `reload` comes first, and whenever too much has moved to be told one by one: then ask for the list anew. `jobs` are
    those that have moved, {"jobs": [...], "below": [ids of those that started others which have moved]}. `counts` are
    as of `GET /jobs/counts`. Whoever reconnects with `Last-Event-ID` is told what moved meanwhile.
    """
    async for event in moves_told(reads, last_event_id, JobTeller(kind, top_level, Counting() if counts else None)):
        yield event


@router.get("/{job_id}", summary="One job")
async def get_job(job_id: str, reads: Reads) -> JobView:
    async with reads() as session:
        return JobView.of(await session.run_sync(lambda sync: jobs.get(sync, job_id)))


@router.delete("/{job_id}", summary="Cancel a job and all below it")
async def cancel_job(job_id: str, request: Request, caller: Calling, writes: Writes) -> JobView:
    async with writes.begin() as session:
        job = await session.run_sync(lambda sync: jobs.get(sync, job_id))
        require(request, caller, _who_may_start(job.kind))
        return JobView.of(await session.run_sync(lambda sync: jobs.cancel(sync, job_id)))


@router.post("/{job_id}/retry", status_code=202, summary="Queue a failed, dead or cancelled job once more")
async def retry_job(job_id: str, request: Request, caller: Calling, writes: Writes) -> JobView:
    async with writes.begin() as session:
        job = await session.run_sync(lambda sync: jobs.get(sync, job_id))
        require(request, caller, _who_may_start(job.kind))
        return JobView.of(await session.run_sync(lambda sync: jobs.retry(sync, job_id)))


@router.post("/retry", status_code=202, summary="Queue all dead (or failed, or cancelled) jobs once more")
async def retry_jobs(wanted: Retry, request: Request, caller: Calling, writes: Writes) -> Retried:
    """In parts of a thousand, each committed: what was queued stays so when the request breaks off."""
    require(request, caller, _who_may_start(wanted.kind))
    queued, asked_at = 0, now()
    while True:
        async with writes.begin() as session:
            part = await session.run_sync(
                lambda sync: jobs.retry_all(sync, wanted.state, ended_before=asked_at, kind=wanted.kind)
            )
        if not part:
            return Retried(queued=queued)
        queued += part


async def known_job(job_id: str, reads: Reads) -> str:
    """Raises NotFound here, before a stream has begun: later, there is no status left to say it by."""
    async with reads() as session:
        return (await session.run_sync(lambda sync: jobs.get(sync, job_id))).id


@router.get("/{job_id}/events", response_class=EventSourceResponse, summary="The job as server-sent events")
async def watch_job(
    job_id: Annotated[str, Depends(known_job)],
    reads: Reads,
    last_event_id: Annotated[int, Header(ge=0, le=MOST_INT)] = 0,
) -> AsyncIterator[ServerSentEvent]:
    async for event in job_events(reads, job_id, last_event_id):
        yield event


def _who_may_start(kind: str | None) -> frozenset[str]:
    """The scopes that may; of all kinds together only `admin`."""
    if kind is None or kind in FOR_ADMINS:
        return frozenset({"admin"})
    return frozenset({"train" if kind.startswith(FOR_WHO_TRAINS) else "ingest"})
