"""The trainer API: train on a dataset, watch."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import ConfigDict, Field, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from services.trainer.choices import Network, Recipe, all_networks, all_recipes
from services.trainer.config import TrainingConfig
from services.trainer.datasets_api import Freezing, dataset_row
from services.trainer.datasets_api import router as datasets
from services.trainer.selection import Selection
from services.trainer.starts import pinned, weights_file, weights_left
from services.trainer.views import TrainingLine, TrainingView, training_line, training_view
from shared import jobs
from shared.db.base import new_id
from shared.db.tables import Model, Training
from shared.errors import InvalidInput, NotFound, reason_of
from shared.http.accepting import IdempotencyHeader, Made, accept
from shared.http.app import Api, build_app
from shared.http.asked import MOST_INT, Asked
from shared.http.auth import needs
from shared.http.job_views import job_events
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.resources import Config, Reads, Storage, Writes
from shared.settings import Settings

router = APIRouter(tags=["training"], dependencies=[needs("train")])


class NewTraining(Asked):
    """What to train on: a frozen dataset, or a selection that is frozen first."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "my-garden", "dataset": {}, "config": {"epochs": 30}}},
    )

    name: str = Field(description="The model's name: lower-case letters, digits, `.`, `_` and `-`")
    dataset_id: str | None = None
    dataset: Selection | None = Field(None, description="Left out together with dataset_id: everything there is")
    config: dict[str, Any] = Field(
        {}, description='Settings that differ from the recipe; `{"recipe": "original"}` names another than the default'
    )


@router.post("/trainings", status_code=202, response_model=TrainingView, summary="Train a model")
async def create_training(
    wanted: NewTraining,
    request: Request,
    settings: Config,
    storage: Storage,
    writes: Writes,
    key: IdempotencyHeader = None,
) -> JSONResponse:
    """Queues a training. Watch it at `/trainings/{id}/events`; then activate its model by `PUT /models/active`."""
    if wanted.dataset_id is not None and wanted.dataset is not None:
        raise InvalidInput("dataset_id and dataset exclude each other.", hint="Send one of them.")
    _checked(wanted, 1)
    freezing = Freezing(settings, storage, wanted.dataset or Selection(name=wanted.name))

    def make(session: Session) -> Made:
        named = wanted.dataset_id
        dataset = dataset_row(session, named) if named is not None else freezing.add_to(session)
        training = Training(id=new_id(), dataset_id=dataset.id, name=wanted.name)
        training.version = _next_version(session, wanted.name)
        config = _checked(wanted, training.version)
        for unknown in config.unknown_dataset_ids:
            dataset_row(session, unknown)
        if config.start_from is not None:
            config = config.model_copy(update={"start_from": pinned(session, config.start_from)})
        training.config = config.model_dump(mode="json")
        job = jobs.submit(session, "trainer.train", {"training_id": training.id}, max_attempts=settings.max_attempts)
        training.job_id = job.id
        session.add(training)
        session.flush()
        return Made(f"/trainings/{training.id}", training_view(session, training))

    prepare = None if wanted.dataset_id is not None else freezing.prepare
    return await accept(request, writes, key, wanted.model_dump(mode="json"), make, prepare=prepare)


@router.get("/recipes", summary="The recipes, with what each sets")
async def list_recipes() -> list[Recipe]:
    return all_recipes()


@router.get("/networks", summary="The networks, by size and speed")
async def list_networks() -> list[Network]:
    return all_networks()


@router.get("/trainings", summary="The trainings, newest first")
async def list_trainings(reads: Reads, limit: Limit = 50, cursor: Cursor = None) -> Page[TrainingLine]:
    """Without their epochs: `GET /trainings/{id}` has those."""

    def read(session: Session) -> Page[TrainingLine]:
        rows, following = page_of(session, select(Training), Training, limit, cursor)
        return Page(items=[training_line(session, row) for row in rows], next=following)

    async with reads() as session:
        return await session.run_sync(read)


@router.get("/trainings/{training_id}", summary="How a training stands, epoch by epoch")
async def get_training(training_id: str, reads: Reads) -> TrainingView:
    async with reads() as session:
        return await session.run_sync(lambda sync: training_view(sync, _training(sync, training_id)))


@router.get("/trainings/{training_id}/weights", summary="The best weights so far", response_class=FileResponse)
async def get_weights(training_id: str, reads: Reads, storage: Storage) -> FileResponse:
    """A file for `start_from` or `torch.load`, of a training that ended without a model."""

    def find(session: Session) -> tuple[Training, str | None]:
        training = _training(session, training_id)
        return training, weights_left(session, training)

    def open_file(training: Training, left: str | None) -> Path:
        with weights_file(storage, training, left) as path:
            return path

    async with reads() as session:
        found = await session.run_sync(find)
    path = await run_in_threadpool(open_file, *found)
    return FileResponse(path, media_type="application/octet-stream", filename=f"{training_id}.pt")


@router.delete("/trainings/{training_id}", summary="Stop a training")
async def cancel_training(training_id: str, writes: Writes) -> TrainingView:
    """It stops within a second or two. What it has learnt until its last whole epoch stays: see `best_weights`."""

    def write(session: Session) -> TrainingView:
        training = _training(session, training_id)
        jobs.cancel(session, training.job_id)
        return training_view(session, training)

    async with writes.begin() as session:
        return await session.run_sync(write)


async def job_of(training_id: str, reads: Reads) -> str:
    """Raises NotFound here, before a stream has begun: later, there is no status left to say it by."""
    async with reads() as session:
        return (await session.run_sync(lambda sync: _training(sync, training_id))).job_id


@router.get("/trainings/{training_id}/events", response_class=EventSourceResponse, summary="Epochs as they come")
async def watch_training(
    job_id: Annotated[str, Depends(job_of)], reads: Reads, last_event_id: Annotated[int, Header(ge=0, le=MOST_INT)] = 0
) -> AsyncIterator[ServerSentEvent]:
    async for event in job_events(reads, job_id, last_event_id):
        yield event


def _checked(wanted: NewTraining, version: int) -> TrainingConfig:
    try:
        return TrainingConfig.model_validate({**wanted.config, "name": wanted.name, "version": str(version)})
    except ValidationError as error:
        reasons = "; ".join(
            ": ".join(filter(None, (".".join(map(str, one["loc"])), reason_of(one)))) for one in error.errors()
        )
        raise InvalidInput(f"The training cannot be set up so: {reasons}.") from error


def _next_version(session: Session, name: str) -> int:
    newest = [
        session.scalar(select(func.max(table.version)).where(table.name == name)) or 0 for table in (Model, Training)
    ]
    return max(newest) + 1


def _training(session: Session, training_id: str) -> Training:
    row = session.get(Training, training_id)
    if row is None:
        raise NotFound(f"There is no training {training_id}.", hint="GET /trainings lists them.")
    return row


API = Api(name="trainer", routers=[datasets, router])


def create_app() -> FastAPI:
    return build_app(Settings(), [API])
