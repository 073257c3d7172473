"""A Xeno-canto of the tests' own, and imports from it, on SQLite and on PostgreSQL alike."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from services.ingest.tasks import WORKER
from shared.db.engine import SyncSessions
from shared.db.tables import IngestionItem, Job, Recording
from shared.settings import Settings
from shared.worker import Runtime
from tests.services.ingest.conftest import Connect
from tests.support.xeno_canto_server import KEY, XenoCanto


@pytest.fixture
def xeno_canto() -> Iterator[XenoCanto]:
    with XenoCanto().running() as server:
        yield server


class Import:
    """Asks the API for ingestions, and runs the ingest worker's jobs as a worker does, under settings of its own."""

    def __init__(self, settings: Settings, sessions: SyncSessions, connect: Connect) -> None:
        self.settings = settings
        self.sessions = sessions
        self._connect = connect

    async def post(self, source: dict[str, Any], **changed: object) -> httpx.Response:
        async with self._connect(**{**self._own(), **changed}) as api:
            return await api.post("/ingestions", json=source)

    async def start(self, **fields: Any) -> str:
        """Its id, once the API has accepted it."""
        response = await self.post({"source": "xeno-canto", **fields})
        assert response.status_code == httpx.codes.ACCEPTED, response.text
        return str(response.json()["id"])

    async def look(self, ingestion_id: str) -> Any:
        async with self._connect(**self._own()) as api:
            return (await api.get(f"/ingestions/{ingestion_id}")).json()

    async def run(self, **fields: Any) -> Any:
        """The ingestion after its job has run once."""
        started = await self.start(**fields)
        self.work()
        return await self.look(started)

    def work(self, **changed: object) -> None:
        """One turn of a worker, at once whatever the job waits for."""
        with self.sessions.begin() as session:
            session.execute(update(Job).where(Job.state == "queued").values(not_before=Job.created_at))
        runtime = Runtime(self.settings.model_copy(update=changed))
        runtime.settings.storage_dir.mkdir(parents=True, exist_ok=True)
        runtime.answer(WORKER)
        runtime.engine.dispose()

    def recordings(self) -> dict[str, Recording]:
        """By their numbers."""
        with self.sessions() as session:
            return {str(one.xc_id): one for one in session.scalars(select(Recording))}

    def items(self) -> dict[str, IngestionItem]:
        with self.sessions() as session:
            return {one.path: one for one in session.scalars(select(IngestionItem).order_by(IngestionItem.id))}

    def _own(self) -> dict[str, object]:
        return {
            "xeno_canto_url": self.settings.xeno_canto_url,
            "xeno_canto_key": self.settings.xeno_canto_key,
            "xeno_canto_interval_seconds": self.settings.xeno_canto_interval_seconds,
        }


@pytest.fixture
def importing(database_settings: Settings, sessions: SyncSessions, connect: Connect, xeno_canto: XenoCanto) -> Import:
    """Imports from the fake Xeno-canto, which may be asked as often as one likes."""
    own = {"xeno_canto_url": xeno_canto.search_url, "xeno_canto_key": SecretStr(KEY), "xeno_canto_interval_seconds": 0}
    return Import(database_settings.model_copy(update=own), sessions, connect)
