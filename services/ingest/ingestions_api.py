"""Ingestions: recordings are brought in from a source, and how far that is."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.ingest.ingestion_views import IngestionView, ItemView, Outcome, ingestion_items, ingestion_view
from services.ingest.requests import Source
from shared import jobs
from shared.db.base import new_id
from shared.db.tables import Ingestion
from shared.errors import NotFound
from shared.http.accepting import IdempotencyHeader, Made, accept
from shared.http.auth import needs
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.resources import Config, Reads, Writes

router = APIRouter(prefix="/ingestions", tags=["ingestions"], dependencies=[needs("ingest")])


@router.post("", status_code=202, response_model=IngestionView, summary="Bring recordings in")
async def create_ingestion(
    source: Source, request: Request, settings: Config, writes: Writes, key: IdempotencyHeader = None
) -> JSONResponse:
    """Takes every recording of a folder or manifest on the server, or of a search on Xeno-canto, in; then finds its
    signal and cuts its slices.

    The answer comes at once; `GET` its `Location` for how far it is and what could not be used.
    """
    source.resolved(settings)

    def make(session: Session) -> Made:
        ingestion = Ingestion(source=source.source, parameters=source.model_dump(mode="json"))
        ingestion.id = new_id()
        job = jobs.submit(session, "ingest.run", {"ingestion_id": ingestion.id}, max_attempts=settings.max_attempts)
        ingestion.job_id = job.id
        session.add(ingestion)
        session.flush()
        return Made(f"/ingestions/{ingestion.id}", ingestion_view(session, ingestion))

    return await accept(request, writes, key, source.model_dump(mode="json"), make)


@router.get("", summary="The ingestions, newest first")
async def list_ingestions(reads: Reads, limit: Limit = 50, cursor: Cursor = None) -> Page[IngestionView]:
    def read(session: Session) -> Page[IngestionView]:
        rows, following = page_of(session, select(Ingestion), Ingestion, limit, cursor)
        return Page(items=[ingestion_view(session, row) for row in rows], next=following)

    async with reads() as session:
        return await session.run_sync(read)


@router.get("/{ingestion_id}", summary="How far an ingestion is, and what could not be used")
async def get_ingestion(ingestion_id: str, reads: Reads) -> IngestionView:
    async with reads() as session:
        return await session.run_sync(lambda sync: ingestion_view(sync, _ingestion(sync, ingestion_id)))


@router.get("/{ingestion_id}/items", summary="The files of an ingestion by their paths, and what became of each")
async def list_items(
    ingestion_id: str, reads: Reads, outcome: Outcome | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[ItemView]:
    """`outcome=refused` are those that could not be taken in, `unusable` those that could not be prepared after."""

    def read(session: Session) -> Page[ItemView]:
        return ingestion_items(session, _ingestion(session, ingestion_id), outcome, limit, cursor)

    async with reads() as session:
        return await session.run_sync(read)


@router.delete("/{ingestion_id}", summary="Stop an ingestion; what is in stays in")
async def cancel_ingestion(ingestion_id: str, writes: Writes) -> IngestionView:
    def write(session: Session) -> IngestionView:
        ingestion = _ingestion(session, ingestion_id)
        jobs.cancel(session, ingestion.job_id)
        return ingestion_view(session, ingestion)

    async with writes.begin() as session:
        return await session.run_sync(write)


def _ingestion(session: Session, ingestion_id: str) -> Ingestion:
    ingestion = session.get(Ingestion, ingestion_id)
    if ingestion is None:
        raise NotFound(f"There is no ingestion {ingestion_id}.", hint="GET /ingestions lists them.")
    return ingestion
