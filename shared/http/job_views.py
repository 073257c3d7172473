"""A job as the APIs show it, once and as a stream of server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from fastapi.sse import ServerSentEvent
from pydantic import BaseModel
from sqlalchemy import select

from shared.db.base import now
from shared.db.engine import AsyncSessions
from shared.db.tables import FINAL_STATES, Job, JobEvent
from shared.errors import NotFound

POLL_SECONDS = 0.4
SURE_SECONDS = 2.0
"""Before that, a pace says nothing."""


class Progress(BaseModel):
    """How far a job is; `fraction` and `seconds_left` are null where nobody can know."""

    done: float
    total: float | None
    message: str
    fraction: float | None
    seconds_left: float | None


class Failure(BaseModel):
    code: str
    detail: str


class JobView(BaseModel):
    """A job: its state is one of queued, running, succeeded, failed, dead, cancelled.

    `about` is the id of the recording, ingestion, training or review that it works on, where its payload names one.
    """

    id: str
    kind: str
    about: str | None
    state: str
    progress: Progress
    attempts: int
    max_attempts: int
    cancel_requested: bool
    error: Failure | None
    result: dict[str, Any] | None
    parent_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> "JobView":
        return cls(
            id=job.id,
            kind=job.kind,
            about=next((value for key, value in job.payload.items() if key.endswith("_id")), None),
            state=job.state,
            progress=_progress(job),
            attempts=job.attempts,
            max_attempts=job.max_attempts,
            cancel_requested=job.cancel_requested,
            error=Failure(code=job.error_code, detail=job.error or "") if job.error_code else None,
            result=job.result,
            parent_id=job.parent_id,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


def _progress(job: Job) -> Progress:
    fraction = min(1.0, job.progress_done / job.progress_total) if job.progress_total else None
    if job.state == "succeeded":
        fraction = 1.0
    return Progress(
        done=job.progress_done,
        total=job.progress_total,
        message=job.progress_message,
        fraction=fraction,
        seconds_left=_seconds_left(job),
    )


def _seconds_left(job: Job) -> float | None:
    """From the pace since it was last taken up; what an earlier worker did took time that nobody counts here."""
    if job.state != "running" or job.started_at is None or not job.progress_total:
        return None
    achieved = job.progress_done - job.progress_at_start
    elapsed = (now() - job.started_at).total_seconds()
    if achieved <= 0 or elapsed < SURE_SECONDS:
        return None
    return round(max(0.0, job.progress_total - job.progress_done) * elapsed / achieved, 1)


async def job_events(sessions: AsyncSessions, job_id: str, after: int = 0) -> AsyncIterator[ServerSentEvent]:
    """`job` whenever the job changed, and each of its own events by name, until it has ended.

    The ids of its own events count up, so that a client that reconnects with `Last-Event-ID` misses none.
    """
    shown: JobView | None = None
    while True:
        async with sessions() as session:
            job = await session.get(Job, job_id)
            if job is None:
                raise NotFound(f"There is no job {job_id}.")
            query = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.id > after).order_by(JobEvent.id)
            events = list(await session.scalars(query))
        for event in events:
            after = event.id
            yield ServerSentEvent(event=event.kind, id=str(event.id), data={"at": event.at.isoformat(), **event.data})
        view = JobView.of(job)
        if view != shown:
            shown = view
            yield ServerSentEvent(event="job", data=view.model_dump(mode="json"))
        if job.state in FINAL_STATES:
            return
        await asyncio.sleep(POLL_SECONDS)
