"""The ingest API over a database of each kind, without a server."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from services.ingest.api import API
from shared.db.engine import SyncSessions
from shared.settings import Settings
from tests.support.serving import asking, furnished

Connect = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def connect(database_settings: Settings, sessions: SyncSessions) -> Connect:
    """Opens the API under other settings: `async with connect(max_waiting=1) as api`."""

    @asynccontextmanager
    async def opened(**changed: object) -> AsyncIterator[httpx.AsyncClient]:
        settings = Settings.model_validate({**database_settings.model_dump(), **changed})
        async with asking(furnished(settings), API) as client:
            yield client

    return opened


@pytest.fixture
async def api(connect: Connect) -> AsyncIterator[httpx.AsyncClient]:
    async with connect() as client:
        yield client
