"""Attributions: whom to thank, and under which licence, for any set of recordings, in one call."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, field_validator, model_validator
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from services.ingest.attribution_formats import written
from services.ingest.credits import (
    Credit,
    common_names,
    credited,
    credits_of_library,
    dataset_key,
    in_order,
    in_turn,
    listed_in_dataset,
    listed_in_model,
    sorted_query,
)
from services.ingest.formats import CSV, JSON, MARKDOWN, PLAIN
from shared.db.engine import AsyncSessions
from shared.db.tables import Recording
from shared.errors import NotFound
from shared.filters import Hex32, RecordingFilters, Text, conditions
from shared.http.auth import needs
from shared.http.preferred import Accept, preferred
from shared.http.resources import Reads, Storage

router = APIRouter(prefix="/attributions", tags=["library"], dependencies=[needs("ingest", "train")])
MOST_IDS = 200
"""As many as an address of 8 kB holds, which is what servers on the way take."""


class AttributionQuery(RecordingFilters):
    """Either the filters of `GET /recordings`, or recordings by id, or those of a dataset or a model."""

    ids: Annotated[list[Hex32], Field(max_length=MOST_IDS)] = Field(
        [], description="Recordings by id, also deleted ones; repeated, or separated by commas"
    )
    dataset_id: Hex32 | None = Field(None, description="Those that this dataset lists")
    model: Text | None = Field(None, description="Those that the model of this name was trained on")
    version: int | None = Field(None, ge=1, le=2**31 - 1, description="Of the model; the newest if left out")

    @field_validator("ids", mode="before")
    @classmethod
    def _separated(cls, given: object) -> object:
        if isinstance(given, list) and all(isinstance(one, str) for one in given):
            return [part.strip() for one in given for part in one.split(",")]
        return given

    @model_validator(mode="after")
    def _one_set_is_named(self) -> Self:
        filters = {name: getattr(self, name) for name in RecordingFilters.model_fields}
        filtered = any(filters[name] != field.default for name, field in RecordingFilters.model_fields.items())
        if sum((bool(self.ids), self.dataset_id is not None, self.model is not None, filtered)) > 1:
            raise ValueError("filters, ids, dataset_id and model exclude each other: name one set of recordings")
        if self.version is not None and self.model is None:
            raise ValueError("version belongs to a model: name it as `model`")
        return self


class CreditedRecording(BaseModel):
    id: str | None = Field(description="Null where the library does not have it")
    sha256: str
    species: str | None
    common_name: str
    title: str
    xc_id: str | None
    url: str


class Credited(BaseModel):
    """What one recordist shared under one licence; an empty text says that it is not known."""

    recordist: str
    licence: str
    licence_url: str
    recordings: list[CreditedRecording]


class Attributions(BaseModel):
    credits: list[Credited]


@router.get(
    "",
    response_class=StreamingResponse,
    responses={
        200: {
            "model": Attributions,
            "content": {media_type: {"schema": {"type": "string"}} for media_type in (PLAIN, MARKDOWN, CSV)},
        }
    },
    summary="Whom to thank for recordings, and under which licence",
)
async def get_attributions(
    wanted: Annotated[AttributionQuery, Query()], reads: Reads, storage: Storage, accept: Accept = ""
) -> StreamingResponse:
    """As JSON, or with `Accept: text/plain`, `text/markdown` or `text/csv` as text that can stand beside a work."""
    media_type = preferred(accept, (JSON, PLAIN, MARKDOWN, CSV))
    return StreamingResponse(written(await _credits(reads, storage, wanted), media_type), media_type=media_type)


async def _credits(reads: AsyncSessions, storage: Storage, wanted: AttributionQuery) -> AsyncIterator[Credit]:
    """What is not there is said here, before the answer begins."""

    def library(session: Session) -> tuple[Any, dict[str, str]]:
        chosen = _by_id(session, wanted.ids) if wanted.ids else conditions(session, wanted)
        return sorted_query(session, chosen), common_names(session)

    if wanted.dataset_id is not None or wanted.model is not None:
        return in_turn(await _frozen(reads, storage, wanted))
    async with reads() as session:
        query, names = await session.run_sync(library)
    return credits_of_library(reads, query, names)


async def _frozen(reads: AsyncSessions, storage: Storage, wanted: AttributionQuery) -> list[Credit]:
    """Long lists are read and sorted in a thread, so that nobody else waits for them."""
    async with reads() as session:
        if wanted.dataset_id is not None:
            key = await session.run_sync(dataset_key, wanted.dataset_id)
            listed = await run_in_threadpool(listed_in_dataset, storage, key)
        else:
            listed = await session.run_sync(listed_in_model, wanted.model or "", wanted.version)
        found = await session.run_sync(credited, listed)
    return await run_in_threadpool(in_order, found)


def _by_id(session: Session, ids: list[str]) -> list[ColumnElement[bool]]:
    chosen = Recording.id.in_(ids)
    if missing := set(ids) - set(session.scalars(select(Recording.id).where(chosen))):
        raise NotFound(f"There is no recording {min(missing)}.", hint="GET /recordings lists them.")
    return [chosen]
