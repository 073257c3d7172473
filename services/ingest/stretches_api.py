"""`/recordings/{id}/sections` and `/slices`: page by page, or all at once as CSV."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from services.ingest.formats import AS_CSV, CSV, JSON, csv_lines
from services.ingest.library import find_recording
from services.ingest.stretches import Place, SliceView, StretchQuery, StretchView, rows_after, stretch_page, view_of
from shared.db.tables import Section, Slice
from shared.http.auth import needs
from shared.http.pages import Page
from shared.http.preferred import Accept, preferred
from shared.http.resources import Reads

router = APIRouter(prefix="/recordings", tags=["library"], dependencies=[needs("ingest", "train")])
ROWS_AT_ONCE = 5_000


@router.get("/{recording_id}/sections", response_model=Page[StretchView], responses=AS_CSV, summary="Its sections")
async def list_sections(
    recording_id: str, query: Annotated[StretchQuery, Query()], reads: Reads, accept: Accept = ""
) -> Page[StretchView] | Response:
    """In order of time; with `Accept: text/csv` all of them at once."""
    return await _stretches(reads, Section, StretchView, recording_id, query, accept)


@router.get("/{recording_id}/slices", response_model=Page[SliceView], responses=AS_CSV, summary="Its slices")
async def list_slices(
    recording_id: str, query: Annotated[StretchQuery, Query()], reads: Reads, accept: Accept = ""
) -> Page[SliceView] | Response:
    """In order of time; with `Accept: text/csv` all of them at once."""
    return await _stretches(reads, Slice, SliceView, recording_id, query, accept)


async def _stretches(
    reads: Reads,
    table: type[Section] | type[Slice],
    view: type[StretchView],
    recording_id: str,
    query: StretchQuery,
    accept: str,
) -> Page[Any] | Response:
    async with reads() as session:
        await session.run_sync(find_recording, recording_id)
        if preferred(accept, (JSON, CSV)) == JSON:
            return await session.run_sync(stretch_page, table, recording_id, query)
    return StreamingResponse(_stretch_lines(reads, table, view, recording_id, query.kind), media_type=CSV)


async def _stretch_lines(
    reads: Reads, table: type[Section] | type[Slice], view: type[StretchView], recording_id: str, kind: str | None
) -> AsyncIterator[str]:
    yield csv_lines([list(view.model_fields)])
    place: Place | None = None
    while True:
        async with reads() as session:
            rows = await session.run_sync(
                partial(rows_after, table=table, recording_id=recording_id, place=place, kind=kind, limit=ROWS_AT_ONCE)
            )
        if not rows:
            return
        place = Place.of(rows[-1])
        yield csv_lines([list(view_of(row).model_dump().values()) for row in rows])
