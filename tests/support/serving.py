"""APIs that answer: on a port of this machine, for clients that want an address, or without one."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

import httpx
import uvicorn

from shared.db.engine import sync_engine
from shared.db.migrate import migrate
from shared.http.app import Api, build_app
from shared.queue import declare_queues
from shared.settings import Settings
from tests.support.waiting import until


def furnished(settings: Settings) -> Settings:
    """The same, with everything behind them that an API needs: a place for files, queues, and the schema."""
    settings.storage_dir.mkdir(parents=True, exist_ok=True)
    declare_queues(settings)
    engine = sync_engine(settings)
    migrate(engine)
    engine.dispose()
    return settings


@asynccontextmanager
async def asking(
    settings: Settings, *apis: Api, client: str = "127.0.0.1", base_url: str = "http://test"
) -> AsyncIterator[httpx.AsyncClient]:
    """Asks them in this process, from that address; what goes wrong inside is the answer that a client would get."""
    app = build_app(settings, apis)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(client, 50_000))
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=base_url) as made:
        yield made


@contextmanager
def serving(settings: Settings, *apis: Api, http: type[asyncio.Protocol] | Literal["auto"] = "auto") -> Iterator[str]:
    """Their address; `http` is what speaks HTTP there, as uvicorn takes it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(build_app(settings, apis), http=http, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until(lambda: server.started, seconds=30, what="the APIs")
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
