"""Answering a POST that makes something: 201 or 202 with `Location`, the same answer again for the same key."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.db.engine import AsyncSessions
from shared.db.tables import IdempotencyKey
from shared.errors import Conflict
from shared.http.gate import CALLER

TRIES = 3

IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        description="Send the same key again after a lost answer: the work is accepted once",
    ),
]


@dataclass(frozen=True)
class Made:
    """What a POST made: where it is, and the body of the answer."""

    location: str
    body: BaseModel
    status: int = 202


async def accept(
    request: Request,
    sessions: AsyncSessions,
    key: str | None,
    content: object,
    make: Callable[[Session], Made],
    *,
    prepare: Callable[[], Awaitable[None]] | None = None,
) -> JSONResponse:
    """Runs `make` in one transaction that is committed before the answer is given.

    With a key, the answer is stored in the same transaction and given again to a repeated request.

    Args:
        content: what the request asked for, to tell a repetition from another request with the same key.
        prepare: what `make` needs and takes too long for a transaction; not run where the answer is known.

    Raises:
        Conflict: when the key was used for another request, or others are faster time and again.
    """
    route = f"{request.method} {request.url.path}"
    # Whose request it is counts as well: nobody is given the answer to somebody else's.
    asked = [request.scope[CALLER].id, content]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
    for _ in range(TRIES):
        if key is not None and (known := await _known(sessions, key, route, digest)):
            return _answer(known)
        if prepare is not None:
            await prepare()
            prepare = None
        try:
            async with sessions.begin() as session:
                row = _row(key or "", route, digest, await session.run_sync(make))
                if key is not None:
                    session.add(row)
        except IntegrityError:
            continue  # the same request or content at the same moment was first: now it is there
        return _answer(row)
    raise Conflict("This request clashes with another one.", hint="Try again.")


async def _known(sessions: AsyncSessions, key: str, route: str, digest: str) -> IdempotencyKey | None:
    """Raises Conflict when the key was used for another request."""
    async with sessions() as session:
        known = await session.get(IdempotencyKey, (key, route))
    if known is not None and known.request_sha256 != digest:
        raise Conflict("This Idempotency-Key was used for another request.", hint="Use a new key.")
    return known


def _row(key: str, route: str, digest: str, made: Made) -> IdempotencyKey:
    body = made.body.model_dump(mode="json")
    return IdempotencyKey(
        key=key, route=route, request_sha256=digest, status=made.status, location=made.location, body=body
    )


def _answer(row: IdempotencyKey) -> JSONResponse:
    return JSONResponse(row.body, row.status, {"Location": row.location})
