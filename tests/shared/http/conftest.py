"""A small application of one's own, over a fresh database, as a client sees it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter

from shared.db.engine import sync_engine
from shared.db.migrate import migrate
from shared.http.app import Api
from shared.http.auth import needs
from shared.queue import declare_queues
from shared.settings import Settings
from tests.support.serving import asking

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

nests = APIRouter(dependencies=[needs("classify")])


@nests.get("/nests")
async def read() -> int:
    return 3


@nests.post("/nests")
async def add() -> int:
    return 4


@nests.get("/broken")
async def broken() -> None:
    raise RuntimeError("the password is sesame")


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Runs it under some settings, asked by a client at an address: `async with serve(host="0.0.0.0") as api`."""

    @asynccontextmanager
    async def opened(
        client: str = "192.0.2.1", base_url: str = "http://test", **values: object
    ) -> AsyncIterator[httpx.AsyncClient]:
        settings = Settings.model_validate({"data_dir": tmp_path, **values})
        settings.storage_dir.mkdir(exist_ok=True)
        if not values.get("broker_url"):
            declare_queues(settings)
        engine = sync_engine(settings)
        migrate(engine)
        engine.dispose()
        async with asking(settings, Api(name="test", routers=[nests]), client=client, base_url=base_url) as made:
            yield made

    return opened
