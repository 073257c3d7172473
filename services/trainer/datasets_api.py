"""Datasets: freeze one, look at it, take its slices elsewhere."""

from collections.abc import Callable
from typing import Annotated, Literal

import anyio.to_thread
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from services.trainer.freeze import Frozen, freeze, preview
from services.trainer.selection import Selection
from services.trainer.summary import Summary
from services.trainer.views import DatasetView
from shared.db.engine import snapshot
from shared.db.tables import Dataset
from shared.errors import NotFound
from shared.http.accepting import IdempotencyHeader, Made, accept
from shared.http.auth import needs
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.resources import Config, Reads, Storage, Writes
from shared.settings import Settings

router = APIRouter(prefix="/datasets", tags=["training"], dependencies=[needs("train")])

MEDIA_TYPES = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv"}


class Freezing:
    """Freezes in a thread with a session of its own: a large library takes seconds, in which others are answered."""

    def __init__(self, settings: Settings, storage: Storage, selection: Selection) -> None:
        self._settings, self._storage, self._selection = settings, storage, selection
        self._frozen: Frozen | None = None

    async def prepare(self) -> None:
        self._frozen = await anyio.to_thread.run_sync(self._freeze)

    def add_to(self, session: Session) -> Dataset:
        """The row of what was frozen. Call `prepare` before."""
        if self._frozen is None:
            raise RuntimeError("nothing was frozen")
        row = self._frozen.row()
        session.add(row)
        session.flush()
        return row

    def _freeze(self) -> Frozen:
        with snapshot(self._settings) as session:
            return freeze(session, self._storage, self._selection)


@router.post("", status_code=201, response_model=DatasetView, summary="Freeze a dataset")
async def create_dataset(
    selection: Selection,
    request: Request,
    settings: Config,
    storage: Storage,
    writes: Writes,
    key: IdempotencyHeader = None,
) -> JSONResponse:
    """Selects prepared recordings and splits them by recordist. What it holds never changes afterwards."""
    freezing = Freezing(settings, storage, selection)

    def make(session: Session) -> Made:
        row = freezing.add_to(session)
        return Made(f"/datasets/{row.id}", DatasetView.of(row), status=201)

    return await accept(request, writes, key, selection.model_dump(mode="json"), make, prepare=freezing.prepare)


@router.post("/preview", summary="What a dataset would hold")
async def preview_dataset(selection: Selection, settings: Config) -> Summary:
    """As `POST /datasets` would freeze it now, with what to mind; nothing is kept."""

    def read() -> Summary:
        with snapshot(settings) as session:
            return preview(session, selection)

    return await anyio.to_thread.run_sync(read)


@router.get("", summary="The datasets, newest first")
async def list_datasets(
    reads: Reads,
    sha256: Annotated[str | None, Query(description="Only those with this hash, as a model names it")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DatasetView]:
    query = select(Dataset) if sha256 is None else select(Dataset).where(Dataset.sha256 == sha256)

    def read(session: Session) -> Page[DatasetView]:
        rows, following = page_of(session, query, Dataset, limit, cursor)
        return Page(items=[DatasetView.of(row) for row in rows], next=following)

    async with reads() as session:
        return await session.run_sync(read)


@router.get("/{dataset_id}", summary="A dataset: what it holds, class by class and fold by fold")
async def get_dataset(dataset_id: str, reads: Reads) -> DatasetView:
    async with reads() as session:
        return DatasetView.of(await session.run_sync(lambda sync: dataset_row(sync, dataset_id)))


@router.get(
    "/{dataset_id}/slices",
    response_class=StreamingResponse,
    responses={200: {"content": {media_type: {} for media_type in MEDIA_TYPES.values()}}},
    summary="A row for each slice, as Parquet or CSV",
)
async def get_slices(
    dataset_id: str,
    reads: Reads,
    storage: Storage,
    format: Annotated[
        Literal["parquet", "csv"] | None, Query(description="Else what `Accept` says; Parquet where both are silent")
    ] = None,
    accept: Annotated[str, Header()] = "",
) -> StreamingResponse:
    """The columns stand in `docs/api.md`. It is written while it is sent, so that a dataset may have any size."""
    from services.trainer.slice_tables import CsvTable, ParquetTable, table_of

    async with reads() as session:
        row = await session.run_sync(lambda sync: dataset_row(sync, dataset_id))
    chosen = format or ("csv" if MEDIA_TYPES["csv"] in accept.lower() else "parquet")
    kind: Callable[..., CsvTable | ParquetTable] = CsvTable if chosen == "csv" else ParquetTable
    file = await run_in_threadpool(storage.existing, row.file_key)
    return StreamingResponse(
        table_of(file, row.sha256, kind),
        media_type=MEDIA_TYPES[chosen],
        headers={"Content-Disposition": f'attachment; filename="{row.name}.{chosen}"', "Vary": "Accept"},
    )


def dataset_row(session: Session, dataset_id: str) -> Dataset:
    """Raises NotFound."""
    row = session.get(Dataset, dataset_id)
    if row is None:
        raise NotFound(f"There is no dataset {dataset_id}.", hint="GET /datasets lists them.")
    return row
