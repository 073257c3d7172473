"""What is forgotten after a while, so that the database does not grow for nothing. Jobs and their log are kept."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, tuple_
from sqlalchemy.orm import Session

from shared.db.base import now
from shared.db.tables import IdempotencyKey

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
