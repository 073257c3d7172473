"""Every service on a port of its own, over a small library of real sound, without workers."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import soundfile
from sqlalchemy.orm import Session

from services.inference.api import API as INFERENCE
from services.ingest.api import API as INGEST
from services.preprocess.tasks import WORKER
from services.trainer.api import API as TRAINER
from shared import jobs
from shared.db.engine import sync_engine, sync_sessions
from shared.db.migrate import migrate
from shared.db.tables import Recording, Species
from shared.http.app import Api
from shared.prepared import decoder
from shared.queue import declare_queues
from shared.settings import Settings
from shared.storage import storage_from
from shared.worker import Runtime
from tests.services.inference.conftest import ship_model
from tests.support.serving import serving
from tests.support.sounds import RATE, SPECIES, chirps
from tests.support.waiting import until

SERVICES: dict[str, list[Api]] = {
    "ingest": [INGEST],
    "trainer": [TRAINER],
    "inference": [INFERENCE],
    "embedded": [INGEST, TRAINER, INFERENCE],
}
PER_SPECIES = 3
KEY = "a-key-that-is-long-enough"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


@contextmanager
def served(apis: list[Api], settings: Settings) -> Iterator[str]:
    """The URL of a real server with these APIs, which has all that it needs and something in every list."""
    _fill(settings)
    with serving(settings, *apis) as url:
        until(lambda: httpx.get(f"{url}/readyz").is_success, seconds=60, what="/readyz")
        _ask_for_work(url, apis)
        yield url


def _fill(settings: Settings) -> None:
    """Six prepared recordings of two species, and a shipped model."""
    settings.storage_dir.mkdir(parents=True, exist_ok=True)
    settings.models_dir.mkdir(exist_ok=True)
    ship_model(settings.models_dir)
    declare_queues(settings)
    engine = sync_engine(settings)
    migrate(engine)
    with sync_sessions(engine).begin() as session:
        for species in SPECIES:
            session.add(Species(scientific_name=species))
            session.flush()
            for number in range(PER_SPECIES):
                _add_recording(session, settings, species, number)
    engine.dispose()
    runtime = Runtime(settings)
    for _ in range(PER_SPECIES * len(SPECIES)):
        runtime.answer(WORKER)
    runtime.engine.dispose()
    decoder().close()
    decoder.cache_clear()


def _add_recording(session: Session, settings: Settings, species: str, number: int) -> None:
    path = settings.data_dir / "sound.wav"
    soundfile.write(path, chirps(species, seed=hash_of(species, number)), RATE)
    with path.open("rb") as stream:
        stored = storage_from(settings).add_content("originals", stream, ".wav")
    recording = Recording(
        sha256=stored.sha256,
        original_key=stored.key,
        original_name=f"{species} {number}.wav",
        size=stored.size,
        source="folder",
        label=species,
        recordist=f"Recordist {number}",
        licence="CC BY 4.0",
        country="Poland",
        details={"rmk": "at dawn"},
    )
    session.add(recording)
    session.flush()
    jobs.submit(session, "preprocess.prepare", {"recording_id": recording.id}, max_attempts=2)


def hash_of(species: str, number: int) -> int:
    return hashlib.sha256(f"{species}{number}".encode()).digest()[0]


def _ask_for_work(url: str, apis: list[Api]) -> None:
    """Nobody does it: there is no worker. But then it can be looked at and cancelled."""
    if INGEST in apis:
        httpx.post(f"{url}/ingestions", json={"source": "folder", "path": "."}, headers=AUTHORIZED).raise_for_status()
    if INFERENCE in apis:
        source = {"source": "library", "filters": {}}
        httpx.post(f"{url}/analyses", json=source, headers=AUTHORIZED).raise_for_status()
    if TRAINER in apis:
        httpx.post(f"{url}/trainings", json={"name": "garden", "dataset": {}}, headers=AUTHORIZED).raise_for_status()
