"""The API and a worker over a database of each kind, with a model that knows three pitches."""

import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from services.inference.analyses.ears import ears
from services.inference.tasks import WORKER
from shared.db.engine import SyncSessions
from shared.db.tables import Job
from shared.prepared import decoder
from shared.queue import declare_queues
from shared.settings import Settings
from shared.storage import storage_from
from shared.worker import Runtime
from tests.services.inference.conftest import HIGH, LOW, Client, encoded, running, ship_model, song

SILENCE = encoded(0 * song(LOW))
JUNK = b"notes of a walk in the park"


class Analyses:
    """What a test asks, and who does the work when it says so."""

    def __init__(self, client: Client, sessions: SyncSessions) -> None:
        self.client = client
        self.settings = client.settings
        self.sessions = sessions
        self.runtime = Runtime(client.settings)

    async def upload(self, *files: tuple[str, bytes], headers: Any = None, **query: Any) -> httpx.Response:
        form = [("audio", (name, io.BytesIO(content))) for name, content in files]
        return await self.client.post("/analyses", files=form, params=query, headers=headers)

    async def order(self, **body: Any) -> httpx.Response:
        return await self.client.post("/analyses", json=body)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def heard(self, answer: httpx.Response) -> Any:
        """The analysis that was accepted, once it has been worked on."""
        assert answer.status_code == 202, answer.text
        self.work()
        return await self.get(answer.headers["location"])

    def waiting(self) -> int:
        with self.sessions() as session:
            query = select(func.count()).where(Job.queue == "inference", Job.state == "queued")
            return session.scalar(query) or 0

    def work(self, jobs: int | None = None) -> None:
        """Does so many jobs, or all there are."""
        while self.waiting() and (jobs is None or jobs > 0):
            self.runtime.answer(WORKER)
            jobs = None if jobs is None else jobs - 1

    def stored(self) -> list[str]:
        return list(storage_from(self.settings).keys("analyses"))


Open = Callable[..., AbstractAsyncContextManager[Analyses]]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    folder.mkdir()
    return folder


@pytest.fixture
def open_analyses(database_settings: Settings, sessions: SyncSessions, tmp_path: Path, library: Path) -> Open:
    """Opens the API under other settings: `async with open_analyses(analysis_max_files=2) as analyses`."""

    @asynccontextmanager
    async def opened(**changed: object) -> AsyncIterator[Analyses]:
        models = tmp_path / "models"
        own = {"models_dir": models, "library_dir": library, "torch_threads": 1, "max_upload_mb": 4}
        settings = Settings.model_validate({**database_settings.model_dump(), **own, **changed})
        if not models.exists():
            models.mkdir()
            settings.storage_dir.mkdir(parents=True)
            ship_model(models)
        declare_queues(settings)
        async with running(settings) as client:
            made = Analyses(client, sessions)
            try:
                yield made
            finally:
                made.runtime.engine.dispose()
                decoder().close()
                decoder.cache_clear()
                ears.cache_clear()

    return opened


@pytest.fixture
async def analyses(open_analyses: Open) -> AsyncIterator[Analyses]:
    async with open_analyses() as opened:
        yield opened


def sounds() -> list[tuple[str, bytes]]:
    """A low bird and then a high one, what is no recording, and silence."""
    return [("dawn.wav", encoded(song(LOW, HIGH))), ("notes.wav", JUNK), ("night/20240501_020000.wav", SILENCE)]


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]
