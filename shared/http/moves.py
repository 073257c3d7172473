"""What moves among all jobs, for lists that are shown live; it costs the same however many jobs there are.

Whatever changes a job's state leaves an event, and their ids count up: those since the last look are a stretch of the
primary key. Between them only jobs that run change, and these are as few as the workers.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import Header
from fastapi.sse import ServerSentEvent
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from shared.db.engine import AsyncSessions
from shared.db.tables import Job, JobEvent
from shared.http.asked import MOST_INT

LOOK_SECONDS = 1.0
STREAM_SECONDS = 300.0
"""After that a stream ends. Who comes back for more needs a key that still holds."""
MOST_EVENTS = 5_000
"""Where more has happened since the last look, one asks for all anew."""
LATE_IDS = 200
LATE_SECONDS = 60.0
"""PostgreSQL hands out ids before the commit: an id that is passed over may still come, for so long."""

LastEventId = Annotated[int | None, Header(ge=0, le=MOST_INT)]


class Moved(NamedTuple):
    """A job that has moved."""

    id: str
    kind: str
    parent_id: str | None


class Moves:
    """What has moved since the last look of somebody who watches.

    Args:
        newest: the id of the newest event that they know of; None when they know of nothing yet.
    """

    def __init__(self, newest: int | None = None) -> None:
        self.newest = newest
        self._overlap = LATE_IDS
        self._late: dict[int, float] = {}
        self._running: dict[str, tuple[datetime, bool]] = {}

    def look(self, session: Session) -> list[Moved] | None:
        """Each job that has moved, once; None where all is to be asked for anew: at first, and after too much."""
        newest = session.scalar(select(func.max(JobEvent.id))) or 0
        known = self.newest is not None and 0 <= newest - self.newest <= MOST_EVENTS
        since = self.newest if known and self.newest is not None else newest
        moved = self._noted(session, max(0, since - self._overlap), newest) | self._under_way(session)
        self.newest, self._overlap = newest, 0
        return list(moved.values()) if known else None

    def _noted(self, session: Session, since: int, newest: int) -> dict[str, Moved]:
        """Those with events of these ids, or of ids that had been passed over."""
        wanted: ColumnElement[bool] = (JobEvent.id > since) & (JobEvent.id <= newest)
        if self._late:
            wanted = or_(wanted, JobEvent.id.in_(self._late))
        query = select(JobEvent.id, Job.id, Job.kind, Job.parent_id).join(Job, Job.id == JobEvent.job_id).where(wanted)
        rows = session.execute(query).all()
        self._pass_over(set(range(since + 1, newest + 1)), {row[0] for row in rows})
        return {row[1]: Moved(*row[1:]) for row in rows}

    def _pass_over(self, looked_at: set[int], found: set[int]) -> None:
        moment = time.monotonic()
        waited_for = {one: at for one, at in self._late.items() if moment - at < LATE_SECONDS}
        missing = dict.fromkeys(looked_at, moment) | waited_for
        self._late = {one: at for one, at in missing.items() if one not in found}

    def _under_way(self, session: Session) -> dict[str, Moved]:
        """Those that run, and whose row is another than at the last look."""
        query = select(Job.id, Job.kind, Job.parent_id, Job.updated_at, Job.cancel_requested)
        rows = session.execute(query.where(Job.state == "running")).all()
        before, self._running = self._running, {row[0]: (row[3], row[4]) for row in rows}
        return {row[0]: Moved(*row[:3]) for row in rows if before.get(row[0]) != self._running[row[0]]}


Tell = Callable[[Session, list[Moved] | None], Iterable[ServerSentEvent]]
"""What is told of jobs that have moved; of None, that all is to be asked for anew."""


def reload() -> ServerSentEvent:
    """Tells to ask for all that is shown anew."""
    return ServerSentEvent(event="reload", data={})


async def moves_told(sessions: AsyncSessions, last_event_id: int | None, tell: Tell) -> AsyncIterator[ServerSentEvent]:
    """What `tell` makes of what moves, at most once a second.

    With its last id a client that reconnects goes on from there: what moved meanwhile comes at once.
    """
    moves = Moves(last_event_id)

    def look(session: Session) -> list[ServerSentEvent]:
        return list(tell(session, moves.look(session)))

    ends_at = time.monotonic() + STREAM_SECONDS
    while time.monotonic() < ends_at:
        async with sessions() as session:
            events = await session.run_sync(look)
        for event in events:
            yield event.model_copy(update={"id": str(moves.newest)})
        await asyncio.sleep(LOOK_SECONDS)
