"""The ingest API: recordings come in, what the library holds, and the jobs of every service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter
from fastapi import FastAPI

from services.ingest import (
    attributions_api,
    ingestions_api,
    jobs_api,
    keys_api,
    overview_api,
    pictures,
    preparations_api,
    recordings_api,
    sound_api,
    species_api,
    storage_api,
    stretches_api,
)
from shared.http.app import Api, build_app
from shared.http.sounds import CUT_AT_ONCE
from shared.settings import Settings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.drawing, app.state.cutting = pictures.Drawing(), CapacityLimiter(CUT_AT_ONCE)
    yield


API = Api(
    name="ingest",
    routers=[
        ingestions_api.router,
        overview_api.router,  # before `/recordings/{id}`, which its paths would fit
        recordings_api.router,
        sound_api.router,
        stretches_api.router,
        preparations_api.router,
        species_api.router,
        attributions_api.router,
        jobs_api.router,
        storage_api.router,
        keys_api.router,
    ],
    lifespan=lifespan,
    uploads=["/recordings"],
)


def create_app() -> FastAPI:
    return build_app(Settings(), [API])
