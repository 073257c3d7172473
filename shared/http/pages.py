"""Cursor pages: newest first, stable while rows are added."""

import base64
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import Session

from shared.db.base import Id, UtcDateTime
from shared.errors import InvalidInput

Item = TypeVar("Item")
ID = re.compile(r"[0-9a-f]{32}")

Limit = Annotated[int, Query(ge=1, le=500, description="How many to return at most")]
Cursor = Annotated[str | None, Query(description="`next` of the page before", json_schema_extra={"format": "cursor"})]


class Page(BaseModel, Generic[Item]):
    """Some of the items, newest first; `next` is the cursor of the page after, null on the last."""

    items: list[Item]
    next: str | None = None


def page_of(
    session: Session, query: Select[Any], entity: Any, limit: int, cursor: str | None
) -> tuple[list[Any], str | None]:
    """The rows of one page of `query` over an entity with `created_at` and `id`, and the next cursor."""
    if cursor is not None:
        # As one comparison of rows, for which PostgreSQL goes straight to the place in the index.
        query = query.where(tuple_(entity.created_at, entity.id) < tuple_(*_decode(cursor)))
    rows = list(session.scalars(query.order_by(entity.created_at.desc(), entity.id.desc()).limit(limit + 1)))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], _encode(last.created_at, last.id)


def _encode(moment: datetime, row_id: str) -> str:
    return base64.urlsafe_b64encode(f"{moment.isoformat()}|{row_id}".encode()).decode()


def _decode(cursor: str) -> tuple[ColumnElement[datetime], ColumnElement[str]]:
    try:
        moment, _, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        at = datetime.fromisoformat(moment).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _no_cursor() from error
    if not ID.fullmatch(row_id):
        raise _no_cursor()
    return literal(at, UtcDateTime()), literal(row_id, Id)


def _no_cursor() -> InvalidInput:
    return InvalidInput("The cursor is not one that this service gave out.", hint="Leave it out to start anew.")
