"""What is told of jobs that move, to pages that list some of them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fastapi.sse import ServerSentEvent
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.db.tables import Job
from shared.http.job_views import JobView
from shared.http.moves import Moved, reload

MOST_TOLD = 100
"""Where more jobs have moved within a second, the page asks for those that it shows."""
COUNTING_SHARE = 0.1
"""Of the time, that counting may take at most: a million jobs take a while to count."""

State = Literal["queued", "running", "succeeded", "failed", "dead", "cancelled"]


class JobCount(BaseModel):
    kind: str
    state: State
    jobs: int


class MovedJobs(BaseModel):
    """Jobs that have moved, as they stand now; `below` are the ids of those that started others which have moved."""

    jobs: list[JobView]
    below: list[str]


def counts_of_jobs(session: Session, parent_id: str | None = None) -> list[JobCount]:
    """By kind and state; only of those that one job started, where it is named."""
    query = select(Job.kind, Job.state, func.count()).group_by(Job.kind, Job.state).order_by(Job.kind, Job.state)
    if parent_id is not None:
        query = query.where(Job.parent_id == parent_id)
    return [JobCount(kind=kind, state=state, jobs=jobs) for kind, state, jobs in session.execute(query)]


@dataclass
class Counting:
    """Counts jobs where the last count no longer holds, but not so often that it were felt."""

    told: list[JobCount] | None = None
    stale: bool = True
    again_at: float = 0.0

    def __call__(self, session: Session) -> list[JobCount] | None:
        """None where there is nothing new to tell."""
        begun = time.monotonic()
        if not self.stale or begun < self.again_at:
            return None
        counts, before = counts_of_jobs(session), self.told
        ended = time.monotonic()
        self.told, self.stale, self.again_at = counts, False, ended + (ended - begun) / COUNTING_SHARE
        return None if counts == before else counts


@dataclass
class JobTeller:
    """Tells of jobs of one kind, or that no other started; and how many stand how, where somebody wants to know."""

    kind: str | None
    top_level: bool
    counting: Counting | None

    def __call__(self, session: Session, moved: list[Moved] | None) -> Iterator[ServerSentEvent]:
        yield from self._jobs(session, moved)
        if self.counting is None:
            return
        self.counting.stale = self.counting.stale or moved is None or len(moved) > 0
        counts = self.counting(session)
        if counts is not None:
            yield ServerSentEvent(event="counts", data=[one.model_dump() for one in counts])

    def _jobs(self, session: Session, moved: list[Moved] | None) -> Iterator[ServerSentEvent]:
        if moved is None:
            yield reload()
            return
        wanted = [one.id for one in moved if self._shows(one)]
        below = sorted({one.parent_id for one in moved if one.parent_id is not None})
        if max(len(wanted), len(below)) > MOST_TOLD:
            yield reload()
        elif wanted or below:
            rows = session.scalars(select(Job).where(Job.id.in_(wanted)))
            told = MovedJobs(jobs=[JobView.of(row) for row in rows], below=below)
            yield ServerSentEvent(event="jobs", data=told.model_dump(mode="json"))

    def _shows(self, one: Moved) -> bool:
        return (self.kind is None or one.kind == self.kind) and not (self.top_level and one.parent_id)
