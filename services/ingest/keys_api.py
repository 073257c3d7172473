"""API keys: make one, list them, revoke one. Only the answer that makes a key shows it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.db.access import ApiKey
from shared.db.base import now
from shared.errors import Conflict, InvalidInput, NotFound
from shared.http.asked import Moment
from shared.http.auth import needs
from shared.http.callers import KeyRing
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.resources import Config, Reads, Writes
from shared.keys import NAME, SHOWN, Scope, digest, new_key
from shared.log import get_logger
from shared.settings import Settings

logger = get_logger(__name__)

router = APIRouter(prefix="/keys", tags=["keys"], dependencies=[needs("admin")])

Scopes = Annotated[list[Scope], Field(min_length=1, description="`admin` includes the others")]


class NewKey(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "recorder-3", "scopes": ["classify", "ingest"]}}
    )

    name: str = Field(pattern=NAME, description="Whose or what for; letters, digits, `.`, `_` and `-`")
    scopes: Scopes
    expires_at: Moment | None = Field(None, description="Left out: never")


class KeyView(BaseModel):
    """A key without itself."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="Right to a minute or so")
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: ApiKey) -> "KeyView":
        return cls(**{name: getattr(row, name) for name in KeyView.model_fields})


class MadeKey(KeyView):
    key: str = Field(description="Shown here only; what is kept is its hash")


# Without Idempotency-Key: the stored answer would hold the key itself.
@router.post("", status_code=201, summary="Make a key")
async def create_key(wanted: NewKey, request: Request, settings: Config, writes: Writes) -> MadeKey:
    """From the first key on, one is asked for everywhere; so the first has to be an `admin`."""
    moment = now()
    if wanted.expires_at is not None and wanted.expires_at <= moment:
        raise InvalidInput("The key would have expired already.", hint="Name a later expires_at.")
    key = new_key()

    def write(session: Session) -> ApiKey:
        first = not settings.configured_keys and session.scalar(select(ApiKey.id).limit(1)) is None
        if first and "admin" not in wanted.scopes:
            raise InvalidInput(
                "This would be the only key, and nobody could make another one with it.",
                hint="Make one with the scope admin first; from then on keys are asked for.",
            )
        row = ApiKey(name=wanted.name, sha256=digest(key), prefix=key[:SHOWN], scopes=sorted(set(wanted.scopes)))
        row.created_at, row.expires_at = moment, wanted.expires_at
        session.add(row)
        session.flush()
        return row

    try:
        async with writes.begin() as session:
            row = await session.run_sync(write)
    except IntegrityError as error:
        raise Conflict(f"There is a key {wanted.name} already.", hint="Revoke it, or take another name.") from error
    _ring(request).forget()
    logger.info("API key made", made=row.id, name=row.name, scopes=row.scopes)
    return MadeKey(**KeyView.of(row).model_dump(), key=key)


@router.get("", summary="The keys, newest first, revoked ones too")
async def list_keys(reads: Reads, limit: Limit = 50, cursor: Cursor = None) -> Page[KeyView]:
    async with reads() as session:
        rows, following = await session.run_sync(page_of, select(ApiKey), ApiKey, limit, cursor)
    return Page(items=[KeyView.of(row) for row in rows], next=following)


@router.delete("/{key_id}", summary="Revoke a key")
async def revoke_key(key_id: str, request: Request, settings: Config, writes: Writes) -> KeyView:
    """It stops within seconds everywhere. Doing it twice is harmless; the last `admin` cannot be revoked."""

    def write(session: Session) -> ApiKey:
        row = session.get(ApiKey, key_id)
        if row is None:
            raise NotFound(f"There is no key {key_id}.", hint="GET /keys lists them.")
        if "admin" in row.scopes and not _is_there_another_admin(session, settings, row):
            raise Conflict(
                f"{row.name} is the last key with the scope admin: nobody could make another one.",
                hint="Make another admin key first, or set one in CHIFFCHAFF_API_KEYS.",
            )
        row.revoked_at = row.revoked_at or now()
        return row

    async with writes.begin() as session:
        row = await session.run_sync(write)
    _ring(request).forget()
    logger.info("API key revoked", revoked=row.id, name=row.name)
    return KeyView.of(row)


def _is_there_another_admin(session: Session, settings: Settings, row: ApiKey) -> bool:
    """One that lasts; or is this one without power already?"""
    moment = now()
    if not row.is_live(moment) or any("admin" in one.scopes for one in settings.configured_keys):
        return True
    others = session.scalars(select(ApiKey).where(ApiKey.id != row.id, ApiKey.revoked_at.is_(None)))
    return any("admin" in one.scopes and one.is_live(moment) for one in others)


def _ring(request: Request) -> KeyRing:
    ring: KeyRing = request.app.state.keys
    return ring
