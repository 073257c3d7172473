"""The inference service's API: `POST /classify`, analyses, the models, and the page."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Literal

from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import FileResponse
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from services.inference import (
    analyses_api,
    analysis_recordings_api,
    page,
    places_api,
    registry,
    reviews_api,
    species_api,
)
from services.inference.analyses.streaming import Streams
from services.inference.background import beside, give_back_memory
from services.inference.comparison import Comparison, compare
from services.inference.model_views import MODEL_AND_VERSION, Activation, ActiveModelView, ModelDetails, ModelView
from services.inference.pictures import Pictures
from services.inference.places import open_places
from services.inference.places_api import Placed
from services.inference.placing import placed
from services.inference.schemas import ClassifyAnswer, ClassifyQuery, ModelName, RecordingView
from services.inference.serving import Serving, no_model, open_serving
from services.inference.upload import BODY_DESCRIPTION, receive
from shared.db.engine import AsyncSessions
from shared.db.tables import Model
from shared.errors import NotFound
from shared.http.app import Api, build_app
from shared.http.auth import needs
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.resources import Config, Reads, Storage
from shared.http.sounds import CUT_AT_ONCE
from shared.predictions import read_predictions
from shared.settings import Settings

ModelFile = Literal[
    "model", "pt2", "onnx", "card", "curves", "confusion", "reliability", "species", "unknown", "predictions"
]
MEDIA_TYPES: dict[ModelFile, str] = {
    "model": "application/octet-stream",
    "pt2": "application/octet-stream",
    "onnx": "application/octet-stream",
    "card": "text/markdown; charset=utf-8",
    "curves": "image/png",
    "confusion": "image/png",
    "reliability": "image/png",
    "species": "image/png",
    "unknown": "image/png",
    "predictions": "application/json",
}


async def get_serving(request: Request) -> Serving:
    serving: Serving = request.app.state.serving
    return serving


Served = Annotated[Serving, Depends(get_serving)]

classifying = APIRouter(tags=["classify"], dependencies=[needs("classify")])
models = APIRouter(prefix="/models", tags=["models"], dependencies=[needs("classify", "train")])


@classifying.post("/classify", summary="Which birds are in this recording, and when?", openapi_extra=BODY_DESCRIPTION)
async def classify(
    request: Request, query: Annotated[ClassifyQuery, Query()], serving: Served, places: Placed, settings: Config
) -> ClassifyAnswer:
    """Send one recording, as a multipart form or as the body itself."""

    async def still_wanted() -> None:
        if await request.is_disconnected():
            raise ClientDisconnect

    classifier = serving.classifier if query.model is None else await serving.named(query.model)
    parameters = classifier.parameters(query)
    serving.turns.refuse_when_full()
    with tempfile.TemporaryDirectory(prefix="classify-", dir=settings.scratch_dir) as folder:
        upload, prepared = Path(folder) / "upload", Path(folder) / "prepared.wav"
        await receive(request, upload)
        with serving.turns.place():
            report = await serving.turns.decode(upload, prepared, still_wanted)
            heard = await serving.turns.classify(classifier, prepared, parameters, still_wanted)
    where = parameters.latitude, parameters.longitude, parameters.date
    if any(given is not None for given in where):
        local = await run_in_threadpool(places.expectations.of, *where)
        heard = placed(heard, parameters, local.expected)
    return ClassifyAnswer(
        request_id=request.scope["chiffchaff.request_id"],
        model=ModelName(name=classifier.name, version=classifier.version),
        parameters=parameters,
        recording=RecordingView(
            seconds=round(report.seconds, 3),
            sample_rate=report.info.sample_rate,
            channels=report.info.channels,
            warnings=list(report.warnings),
        ),
        outcome=heard.outcome,
        ranking=heard.ranking,
        detections=heard.detections,
    )


@models.get("", summary="The models in the store, newest first")
async def list_models(
    reads: Reads,
    name: Annotated[str | None, Query(description="Only the versions of this model")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ModelView]:
    query = select(Model) if name is None else select(Model).where(Model.name == name)
    async with reads() as session:
        rows, following = await session.run_sync(page_of, query, Model, limit, cursor)
        active = await session.run_sync(registry.active)
    active_id = active.model.id if active else None
    return Page(items=[ModelView.of(row, active_id) for row in rows], next=following)


@models.get("/active", summary="The model that answers")
async def get_active(reads: Reads, serving: Served) -> ActiveModelView:
    return await _active_view(reads, serving)


@models.put("/active", summary="Let another model, or an earlier version, answer", dependencies=[needs("admin")])
async def put_active(wanted: Activation, reads: Reads, serving: Served) -> ActiveModelView:
    """The model is loaded first: when this answers, it is in use, and no request was dropped."""
    await serving.activate(wanted.name, wanted.version)
    return await _active_view(reads, serving)


@models.get("/{name}/{version}", summary="One model, with its species and whose recordings it was trained on")
async def get_model(name: str, version: int, reads: Reads) -> ModelDetails:
    async with reads() as session:
        model = await session.run_sync(registry.find, name, version)
        active = await session.run_sync(registry.active)
    return ModelDetails.of(model, active.model.id if active else None)


@models.get("/{name}/{version}/comparison", summary="This model and another on what both held out")
async def compare_models(
    name: str,
    version: int,
    other: Annotated[str, Query(pattern=MODEL_AND_VERSION, description="Such as `garden-birds:2`")],
    reads: Reads,
    storage: Storage,
) -> Comparison:
    """Recording by recording, with the difference of their shares of right first places and its interval."""
    other_name, _, other_version = other.partition(":")
    async with reads() as session:
        found = [
            await session.run_sync(registry.find, *one) for one in ((name, version), (other_name, int(other_version)))
        ]

    def read() -> Comparison:
        files = [storage.existing(_key_of(model, "predictions")) for model in found]
        return compare(*map(read_predictions, files))

    return await run_in_threadpool(read)


@models.get("/{name}/{version}/{file}", summary="A file of the model", response_class=FileResponse)
async def get_file(name: str, version: int, file: ModelFile, reads: Reads, storage: Storage) -> FileResponse:
    """The model file itself (TorchScript), the network as `.pt2` (torch.export) and as ONNX, its card, its pictures."""
    async with reads() as session:
        model = await session.run_sync(registry.find, name, version)
    path = await run_in_threadpool(storage.existing, _key_of(model, file))
    filename = f"{name}-{version}{path.suffix}" if file in ("model", "pt2", "onnx") else None
    return FileResponse(path, media_type=MEDIA_TYPES[file], filename=filename)


def _key_of(model: Model, file: ModelFile) -> str:
    """In the storage. Raises NotFound."""
    key = model.file_key if file == "model" else model.files.get(file)
    if key is None:
        there = ", ".join(["model", *sorted(model.files)])
        raise NotFound(f"{model.name} {model.version} has no {file}.", hint=f"It has: {there}.")
    return str(key)


async def _active_view(reads: AsyncSessions, serving: Serving) -> ActiveModelView:
    async with reads() as session:
        active = await session.run_sync(registry.active)
    if active is None:
        error = no_model()
        raise NotFound(error.detail, hint=error.hint)
    return ActiveModelView(
        model=ModelView.of(active.model, active.model.id),
        previous=ModelView.of(active.previous, active.model.id) if active.previous else None,
        activated_at=active.activated_at,
        loaded=serving.loaded_id == active.model.id,
    )


async def check_model(request: Request) -> str:
    return await (await get_serving(request)).check()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    resources = app.state.resources
    settings = resources.settings
    async with beside(give_back_memory()), open_serving(resources) as serving, open_places(settings) as places:
        app.state.serving, app.state.places = serving, places
        app.state.streams, app.state.cutting = Streams(), CapacityLimiter(CUT_AT_ONCE)
        app.state.pictures = Pictures(settings.pictures_dir, settings.pictures_url)
        yield


API = Api(
    name="inference",
    routers=[
        classifying,
        analyses_api.router,
        analysis_recordings_api.router,
        reviews_api.router,
        models,
        places_api.router,
        species_api.router,
        page.router,
    ],
    lifespan=lifespan,
    checks={"model": check_model},
    uploads=["/classify"],
    uploads_of_many=["/analyses"],
    open_paths=page.OPEN_PATHS,
)


def create_app() -> FastAPI:
    return build_app(Settings(), [API])
