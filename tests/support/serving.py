"""APIs that answer on a port of this machine, for clients that want an address."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import uvicorn

from shared.http.app import Api, build_app
from shared.settings import Settings
from tests.support.waiting import until


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
