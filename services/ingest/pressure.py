"""Back-pressure: what is too much waits outside, and says why; nothing fails for want of room."""

from starlette.concurrency import run_in_threadpool

from services.ingest.taking import PREPARE
from shared import jobs
from shared.db.engine import AsyncSessions
from shared.errors import Overloaded, StorageFull
from shared.settings import Settings
from shared.storage import Storage, shortage
from shared.worker import JobContext, Postponed

POSTPONED_SECONDS = 15.0


def make_room(context: JobContext) -> None:
    """Before an import takes its next file.

    Raises:
        Postponed: while the disk is nearly full, or more recordings wait to be prepared than the operator allows.
    """
    if reason := shortage(context.storage, context.settings):
        raise Postponed(f"Paused: {reason}", seconds=POSTPONED_SECONDS)
    with context.sessions() as session:
        limit = context.settings.max_waiting
        if jobs.waiting(session, jobs.queue_of(PREPARE), at_most=limit) >= limit:
            raise Postponed(f"Paused: {limit:,} recordings wait to be prepared.", seconds=POSTPONED_SECONDS)


async def require_room(settings: Settings, storage: Storage, sessions: AsyncSessions) -> None:
    """Before an upload is read.

    Raises:
        StorageFull, Overloaded: when it has to come again later.
    """
    if reason := await run_in_threadpool(shortage, storage, settings):
        raise StorageFull(reason, hint="Try again once there is room; nothing was stored.")
    limit = settings.max_waiting
    async with sessions() as session:
        count = await session.run_sync(lambda sync: jobs.waiting(sync, jobs.queue_of(PREPARE), at_most=limit))
    if count >= limit:
        raise Overloaded(f"{count:,} recordings wait to be prepared.", hint="Send this one again in a while.")
