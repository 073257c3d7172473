"""The ingest API over a database of each kind, without a server."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from services.ingest.api import API
from shared.db.engine import SyncSessions
from shared.http.app import build_app
from shared.queue import declare_queues
from shared.settings import Settings

Connect = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def connect(database_settings: Settings, sessions: SyncSessions) -> Connect:
    """Opens the API under other settings: `async with connect(max_waiting=1) as api`."""

    @asynccontextmanager
    async def opened(**changed: object) -> AsyncIterator[httpx.AsyncClient]:
        settings = Settings.model_validate({**database_settings.model_dump(), **changed})
        settings.storage_dir.mkdir(parents=True, exist_ok=True)
        declare_queues(settings)
        app = build_app(settings, [API])
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            yield client

    return opened


@pytest.fixture
async def api(connect: Connect) -> AsyncIterator[httpx.AsyncClient]:
    async with connect() as client:
        yield client
