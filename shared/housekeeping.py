"""What is done once in a while: old answers are forgotten, and prepared audio makes room. Jobs are kept."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, tuple_
from sqlalchemy.orm import Session

from shared import jobs
from shared.db.base import now
from shared.db.tables import IdempotencyKey, Job
from shared.settings import Settings

PRUNE = "ingest.prune_storage"
KEYS_KEPT = timedelta(days=7)
"""How long the answer to a POST is given again to a repeated one."""
AT_ONCE = 1_000
"""Rows of one transaction, so that nobody waits for it."""


def forget_old_answers(session: Session) -> int:
    """Deletes some of the answers that nobody will ask for again; returns how many, 0 when none is left."""
    columns = IdempotencyKey.key, IdempotencyKey.route
    old = select(*columns).where(IdempotencyKey.created_at < now() - KEYS_KEPT).limit(AT_ONCE)
    statement = delete(IdempotencyKey).where(tuple_(*columns).in_(old))
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def make_room(session: Session, settings: Settings) -> str | None:
    """Queues the job that removes prepared audio above the operator's limit; returns its id, None when none is due."""
    if not settings.prepared_max_gb or under_way(session, PRUNE):
        return None
    payload = {"max_bytes": int(settings.prepared_max_gb * 1e9)}
    return jobs.submit(session, PRUNE, payload, max_attempts=settings.max_attempts, priority=jobs.Priority.BULK).id


def under_way(session: Session, kind: str) -> str | None:
    """The id of a job of this kind that waits or runs."""
    return session.scalar(select(Job.id).where(Job.kind == kind, Job.state.in_(("queued", "running"))).limit(1))
