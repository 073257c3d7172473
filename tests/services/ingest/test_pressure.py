"""What is too much waits outside, on SQLite and on PostgreSQL alike."""

from pathlib import Path

import httpx
import pytest
import soundfile
from sqlalchemy import select

from services.ingest.tasks import WORKER
from shared import jobs
from shared.db.base import new_id
from shared.db.engine import SyncSessions
from shared.db.tables import Ingestion, IngestionItem, Job
from shared.settings import Settings
from shared.worker import Runtime
from tests.services.ingest.conftest import Connect
from tests.support.sounds import RATE, SPECIES, chirps, write_folder

NO_DISK_IS_SO_LARGE = 1 << 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "library", per_species=2, seconds=1.0)
    return tmp_path / "library"


class Import:
    """An import that a test runs by hand, under settings of its own."""

    def __init__(self, settings: Settings, sessions: SyncSessions, folder: Path) -> None:
        self._settings = settings
        self._sessions = sessions
        with sessions.begin() as session:
            ingestion = Ingestion(id=new_id(), source="folder", parameters={"source": "folder", "path": str(folder)})
            job = jobs.submit(session, "ingest.run", {"ingestion_id": ingestion.id}, max_attempts=1)
            ingestion.job_id = job.id
            session.add(ingestion)
            self.job_id = job.id

    def run(self, **settings: object) -> Job:
        with self._sessions.begin() as session:
            session.get_one(Job, self.job_id).not_before = session.get_one(Job, self.job_id).created_at
        runtime = Runtime(self._settings.model_copy(update=settings))
        runtime.settings.storage_dir.mkdir(parents=True, exist_ok=True)
        runtime.answer(WORKER)
        runtime.engine.dispose()
        with self._sessions() as session:
            return session.get_one(Job, self.job_id)

    def next_to_prepare(self) -> str | None:
        with self._sessions.begin() as session:
            held = jobs.claim(session, "preprocess", worker="a", lease_seconds=30)
        return held.job_id if held else None

    def taken(self) -> int:
        with self._sessions() as session:
            return len(session.scalars(select(IngestionItem.id)).all())


@pytest.fixture
def importing(database_settings: Settings, sessions: SyncSessions, folder: Path) -> Import:
    return Import(database_settings, sessions, folder)


def test_a_disk_nearly_full_pauses_an_import_and_fails_no_file(importing: Import) -> None:
    job = importing.run(min_free_disk_mb=NO_DISK_IS_SO_LARGE)
    assert (job.state, job.attempts, importing.taken()) == ("queued", 0, 0)
    assert "MB left" in job.progress_message
    assert importing.run().state == "succeeded"
    assert importing.taken() == 4


def test_an_import_pauses_while_too_many_recordings_wait_and_goes_on_where_it_was(importing: Import) -> None:
    job = importing.run(max_waiting=3)
    assert (job.state, importing.taken()) == ("queued", 3)
    assert "3 recordings wait to be prepared" in job.progress_message
    assert importing.run(max_waiting=5).state == "succeeded"
    assert importing.taken() == 4


def clip(tmp_path: Path, seed: int) -> dict[str, tuple[str, bytes]]:
    path = tmp_path / f"{seed}.wav"
    soundfile.write(path, chirps(SPECIES[0], 1.0, seed), RATE, subtype="PCM_16")
    return {"audio": (path.name, path.read_bytes())}


async def test_an_upload_to_a_full_disk_is_refused_before_it_is_read(connect: Connect, tmp_path: Path) -> None:
    async with connect(min_free_disk_mb=NO_DISK_IS_SO_LARGE) as api:
        response = await api.post("/recordings", files=clip(tmp_path, 1))
    assert response.status_code == 507
    assert "nothing was stored" in response.json()["hint"]


async def test_an_upload_too_many_is_told_to_come_again(connect: Connect, tmp_path: Path) -> None:
    async with connect(max_waiting=1) as api:
        first = await api.post("/recordings", files=clip(tmp_path, 1))
        second = await api.post("/recordings", files=clip(tmp_path, 2))
        assert (await api.get(first.headers["location"])).json()["name"] == "1.wav"
    assert (first.status_code, second.status_code) == (202, 503)
    assert int(second.headers["retry-after"]) > 0


async def test_an_upload_goes_before_an_import(api: httpx.AsyncClient, importing: Import, tmp_path: Path) -> None:
    importing.run()
    uploaded = (await api.post("/recordings", files=clip(tmp_path, 3))).json()["job"]["id"]
    assert importing.next_to_prepare() == uploaded
