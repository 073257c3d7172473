"""A trainer API for the command line to talk to."""

from collections.abc import Iterator
from threading import Thread

import pytest
import uvicorn

from services.trainer.api import API
from shared.db.engine import SyncSessions
from shared.http.app import build_app
from shared.queue import declare_queues
from shared.settings import Settings
from tests.services.trainer.test_freeze import add, pairs
from tests.support.servers import free_port
from tests.support.waiting import until


@pytest.fixture
def server(database_settings: Settings, sessions: SyncSessions) -> Iterator[str]:
    """Its library holds six recordings of each of two species."""
    add(sessions, *pairs(range(6)))
    database_settings.storage_dir.mkdir(parents=True, exist_ok=True)
    declare_queues(database_settings)
    port = free_port()
    config = uvicorn.Config(build_app(database_settings, [API]), port=port, log_level="warning", ws="none")
    running = uvicorn.Server(config)
    thread = Thread(target=running.run)
    thread.start()
    until(lambda: running.started, seconds=30, what="the API")
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(30)
