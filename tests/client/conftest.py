"""Real APIs on a port: one that hears pitches, and one whose jobs are done as they come."""

import threading
from collections.abc import Iterator

import httpx
import pytest

from chiffchaff_client import Chiffchaff
from services.inference.api import API as INFERENCE
from services.ingest.api import API as INGEST
from services.ingest.tasks import WORKER as INGEST_WORKER
from services.preprocess.tasks import WORKER as PREPROCESS_WORKER
from services.trainer.api import API as TRAINER
from shared.db.engine import sync_engine
from shared.db.migrate import migrate
from shared.prepared import decoder
from shared.queue import declare_queues
from shared.settings import Settings
from shared.worker import Runtime
from tests.services.inference.conftest import prepare, ship_model
from tests.support.serving import serving
from tests.support.waiting import until


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chiffchaff]:
    """A client of an inference service with one model."""
    settings = prepare(tmp_path_factory.mktemp("served"))
    ship_model(settings.models_dir)
    with serving(settings, INFERENCE) as url, Chiffchaff(url) as chiffchaff:
        until(lambda: httpx.get(f"{url}/readyz").json()["checks"]["model"]["ok"], what="the model in memory")
        yield chiffchaff


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = Settings(data_dir=tmp_path_factory.mktemp("data"))
    made.storage_dir.mkdir(parents=True)
    declare_queues(made)
    engine = sync_engine(made)
    migrate(engine)
    engine.dispose()
    return made


@pytest.fixture(scope="module")
def library(settings: Settings) -> Iterator[Chiffchaff]:
    """A client of the ingest and trainer APIs, and somebody who does the jobs but trainings."""
    ended = threading.Event()
    runtime = Runtime(settings)

    def work() -> None:
        while not ended.wait(0.02):
            runtime.answer(INGEST_WORKER)
            runtime.answer(PREPROCESS_WORKER)

    worker = threading.Thread(target=work)
    with serving(settings, INGEST, TRAINER) as url, Chiffchaff(url) as chiffchaff:
        worker.start()
        yield chiffchaff
        ended.set()
        worker.join()
    decoder().close()
    decoder.cache_clear()
    runtime.engine.dispose()
