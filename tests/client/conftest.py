"""Real APIs on a port: one that hears pitches, and one whose jobs are done as they come."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from chiffchaff_client import Chiffchaff
from services.inference.analyses.ears import ears
from services.inference.api import API as INFERENCE
from services.inference.tasks import WORKER as INFERENCE_WORKER
from services.ingest.api import API as INGEST
from services.ingest.tasks import WORKER as INGEST_WORKER
from services.preprocess.tasks import WORKER as PREPROCESS_WORKER
from services.trainer.api import API as TRAINER
from shared.prepared import decoder
from shared.queue import declare_queues
from shared.settings import Settings
from shared.worker import Runtime, Worker
from tests.services.inference.conftest import prepare, ship_model
from tests.support.serving import furnished, serving
from tests.support.waiting import until


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chiffchaff]:
    """A client of an inference service with one model, and somebody who does its jobs."""
    settings = prepare(tmp_path_factory.mktemp("served"))
    settings.storage_dir.mkdir(parents=True)
    ship_model(settings.models_dir)
    declare_queues(settings)
    with serving(settings, INFERENCE) as url, Chiffchaff(url) as chiffchaff, working(settings, INFERENCE_WORKER):
        until(lambda: httpx.get(f"{url}/readyz").json()["checks"]["model"]["ok"], what="the model in memory")
        yield chiffchaff
    ears.cache_clear()


@contextmanager
def working(settings: Settings, *workers: Worker) -> Iterator[None]:
    """Jobs are done as they come, in a thread of this process."""
    ended = threading.Event()
    runtime = Runtime(settings)

    def work() -> None:
        while not ended.wait(0.02):
            for worker in workers:
                runtime.answer(worker)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        decoder().close()
        decoder.cache_clear()
        runtime.engine.dispose()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return furnished(Settings(data_dir=tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def library(settings: Settings) -> Iterator[Chiffchaff]:
    """A client of the ingest and trainer APIs, and somebody who does the jobs but trainings."""
    workers = working(settings, INGEST_WORKER, PREPROCESS_WORKER)
    with serving(settings, INGEST, TRAINER) as url, Chiffchaff(url) as chiffchaff, workers:
        yield chiffchaff
