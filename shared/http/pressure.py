"""Back-pressure of an API: what is too much is turned away before it is read, and may come again."""

from starlette.concurrency import run_in_threadpool

from shared import jobs
from shared.db.engine import AsyncSessions
from shared.errors import Overloaded, StorageFull
from shared.settings import Settings
from shared.storage import Storage, shortage


async def require_room(
    settings: Settings, storage: Storage, sessions: AsyncSessions, *, kind: str, waiting: str
) -> None:
    """Before a request that brings work is read: `kind` is that of its jobs, `waiting` says what too many of them do.

    Raises:
        StorageFull, Overloaded: when it has to come again later.
    """
    if reason := await run_in_threadpool(shortage, storage, settings):
        raise StorageFull(reason, hint="Try again once there is room; nothing was stored.")
    limit = settings.max_waiting
    async with sessions() as session:
        count = await session.run_sync(lambda sync: jobs.waiting(sync, jobs.queue_of(kind), at_most=limit))
    if count >= limit:
        raise Overloaded(f"{count:,} {waiting}.", hint="Send this one again in a while.")
