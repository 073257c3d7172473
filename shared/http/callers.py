"""Whose key a request carries: one from the settings, or one from the database."""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from shared.db.access import ApiKey
from shared.db.base import now
from shared.db.engine import AsyncSessions
from shared.http.problems import UNREACHABLE
from shared.keys import SCOPES, digest, is_made_here
from shared.log import get_logger
from shared.settings import Settings

logger = get_logger(__name__)

FRESH_SECONDS = 3.0
"""For so long a process believes what it read of a key: a revoked one stops no later."""
STALE_SECONDS = 600.0
"""For so long it goes on believing it while the database is out of reach, and nobody could revoke a key."""
USED_EVERY = timedelta(minutes=1)
MOST_REMEMBERED = 1_024

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Caller:
    """Who asks. `id` may stand in logs."""

    id: str
    name: str
    scopes: frozenset[str]

    def may(self, any_of: frozenset[str]) -> bool:
        return "admin" in self.scopes or not self.scopes.isdisjoint(any_of)


ANONYMOUS = Caller("anonymous", "anonymous", frozenset(SCOPES))


class KeyRing:
    """The keys of one process, read again every few seconds."""

    def __init__(self, settings: Settings, reads: AsyncSessions, writes: AsyncSessions) -> None:
        self._configured = settings.configured_keys
        self._reads = reads
        self._writes = writes
        self._rows: dict[str, tuple[float, ApiKey | None]] = {}
        self._asked_for: dict[str, tuple[float, bool]] = {}
        self._used: dict[str, datetime] = {}
        self._writing: set[asyncio.Task[None]] = set()

    async def caller(self, offered: str) -> Caller | None:
        """Whose key it is, or None where it is nobody's, revoked or expired."""
        sha256 = digest(offered)
        matching = [one for one in self._configured if hmac.compare_digest(one.sha256, sha256)]
        if matching:
            return Caller(matching[0].id, matching[0].name, matching[0].scopes)
        if not is_made_here(offered):
            return None
        row = await _remembered(self._rows, sha256, lambda: self._read(sha256))
        if row is None or not row.is_live(now()):
            return None
        self._note_use(row)
        return Caller(row.id, row.name, frozenset(row.scopes))

    async def asks(self) -> bool:
        """Is a key asked for? Once one was given out, always: the last that is revoked does not open the doors."""
        return bool(self._configured) or await _remembered(self._asked_for, "", self._was_one_given_out)

    def forget(self) -> None:
        """After a change of this process's own."""
        self._rows.clear()
        self._asked_for.clear()

    async def close(self) -> None:
        await asyncio.gather(*self._writing, return_exceptions=True)

    async def _read(self, sha256: str) -> ApiKey | None:
        async with self._reads() as session:
            row = await session.scalar(select(ApiKey).where(ApiKey.sha256 == sha256))
        return row if row is not None and hmac.compare_digest(row.sha256, sha256) else None

    async def _was_one_given_out(self) -> bool:
        async with self._reads() as session:
            return await session.scalar(select(ApiKey.id).limit(1)) is not None

    def _note_use(self, row: ApiKey) -> None:
        """Beside the request: it is not to wait for whoever else writes."""
        moment = now()
        before = self._used.get(row.id) or row.last_used_at
        if before is not None and moment - before < USED_EVERY:
            return
        self._used[row.id] = moment
        task = asyncio.create_task(self._write_use(row.id, moment))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_use(self, key_id: str, moment: datetime) -> None:
        long_ago = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= moment - USED_EVERY)
        try:
            async with self._writes.begin() as session:
                await session.execute(update(ApiKey).where(ApiKey.id == key_id, long_ago).values(last_used_at=moment))
        except (SQLAlchemyError, OSError) as error:
            logger.warning("when a key was used is not noted", key=key_id, reason=type(error).__name__)


async def _remembered(memory: dict[str, tuple[float, Seen]], what: str, look: Callable[[], Awaitable[Seen]]) -> Seen:
    """What was seen a moment ago, else what is seen now; while there is nothing to be seen, what was seen last."""
    moment = time.monotonic()
    known = memory.get(what)
    if known is not None and moment - known[0] < FRESH_SECONDS:
        return known[1]
    try:
        seen = await look()
    except UNREACHABLE:
        if known is not None and moment - known[0] < STALE_SECONDS:
            return known[1]
        raise
    memory.pop(what, None)
    if seen is not None:
        memory[what] = (moment, seen)
    while len(memory) > MOST_REMEMBERED:
        del memory[next(iter(memory))]
    return seen
