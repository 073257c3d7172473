"""The trainer's worker: what a training that is cancelled leaves behind, and what can be made of it."""

import os
import pickle
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.trainer.api import API
from services.trainer.frozen_dataset import Dataset as Frozen
from services.trainer.pretrained import epochs_of
from services.trainer.progress import EPOCH
from services.trainer.tasks import WORKER, forget_old_checkpoints
from shared import jobs
from shared.db.engine import SyncSessions, sync_engine, sync_sessions
from shared.db.migrate import migrate
from shared.db.tables import Dataset, Job, Model, Training
from shared.prepared import PreparedAudio
from shared.queue import declare_queues
from shared.settings import Settings
from shared.storage import storage_from
from shared.worker import JobContext, Runtime
from tests.services.trainer.conftest import small_config
from tests.support.serving import asking

SMALL = small_config(epochs=3, threads=0).model_dump(mode="json", exclude={"name", "version"})


@dataclass
class Trainer:
    api: httpx.AsyncClient
    runtime: Runtime
    sessions: SyncSessions
    dataset: Frozen

    async def order(self, **changes: Any) -> httpx.Response:
        wanted = {"name": "garden", "dataset_id": self.dataset.id, "config": {**SMALL, **changes}}
        return await self.api.post("/trainings", json=wanted)

    def work(self) -> None:
        self.runtime.answer(WORKER)


@pytest.fixture
async def trainer(tmp_path: Path, garden: Callable[..., Frozen]) -> AsyncIterator[Trainer]:
    settings = Settings(data_dir=tmp_path)
    storage = storage_from(settings)
    engine = sync_engine(settings)
    migrate(engine)
    sessions = sync_sessions(engine)
    frozen = garden(birds=2)
    for one in frozen.recordings:
        storage.copy_in(one.audio, tmp_path / one.audio)
    with storage.writing("datasets/garden.jsonl") as part:
        part.write_bytes(frozen.canonical())
    row = Dataset(name="garden", sha256=frozen.sha256, file_key="datasets/garden.jsonl", parameters={}, summary={})
    with sessions.begin() as session:
        session.add(row)
    declare_queues(settings)
    runtime = Runtime(settings)
    async with asking(settings, API) as client:
        yield Trainer(client, runtime, sessions, frozen.model_copy(update={"id": row.id}))
    runtime.engine.dispose()
    engine.dispose()


def cancel_after(monkeypatch: pytest.MonkeyPatch, epochs: int) -> None:
    """Somebody cancels the training while it is in the epoch after so many."""
    note = JobContext.note

    def noted(context: JobContext, kind: str, data: dict[str, Any]) -> None:
        note(context, kind, data)
        if kind == EPOCH and data["epoch"] == epochs:
            with context.sessions.begin() as session:
                jobs.cancel(session, context.claim.job_id)
            context.renew()

    monkeypatch.setattr(JobContext, "note", noted)


async def test_what_a_cancelled_training_has_learnt_can_be_fetched_and_gone_on_from(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ordered = await trainer.order()
    assert ordered.json()["best_weights"] is None
    path = ordered.headers["location"]
    assert (await trainer.api.get(f"{path}/weights")).status_code == 404
    with monkeypatch.context() as patch:
        cancel_after(patch, 2)
        trainer.work()
    training = (await trainer.api.get(path)).json()
    assert (training["state"], training["model"], len(training["epochs"])) == ("cancelled", None, 2)
    answer = await trainer.api.get(training["best_weights"])
    (tmp_path / "fetched.pt").write_bytes(answer.content)
    assert epochs_of(tmp_path / "fetched.pt") == 2
    assert list((tmp_path / "storage" / "work" / "tensorboard" / "garden-1" / "final").glob("events.*"))

    # The same fold is held out from both, so there is nothing to allow.
    await trainer.order(start_from={"training": training["id"]}, epochs=1)
    trainer.work()
    with trainer.sessions() as session:
        model = session.scalars(select(Model)).one()
    assert model.manifest["training"]["start_from"]["name"] == "garden"

    newest = await trainer.order(start_from={"model": "garden"}, epochs=1)
    with trainer.sessions() as session:
        row = session.get_one(Training, newest.json()["id"])
        assert row.config["start_from"] == {"model": "garden", "version": 2, "training": None}, "pinned when accepted"
    trainer.work()
    with trainer.sessions() as session:
        assert session.get_one(Job, row.job_id).state == "succeeded"


async def test_the_worker_itself_starts_the_processes_that_are_asked_for(trainer: Trainer) -> None:
    ordered = await trainer.order(processes=2, epochs=1)
    trainer.work()
    training = (await trainer.api.get(ordered.headers["location"])).json()
    assert training["state"] == "succeeded", training["job"]["error"]
    assert training["model"] == {"name": "garden", "version": "1"}
    assert [each["epoch"] for each in training["epochs"]] == [1]


@pytest.mark.parametrize(
    ("start", "says"), [({"model": "nothing"}, "no model nothing"), ({"training": "x" * 32}, "no training xxx")]
)
async def test_a_start_that_is_not_there_is_refused_at_once(trainer: Trainer, start: dict[str, str], says: str) -> None:
    refused = await trainer.order(start_from=start)
    assert refused.status_code == 404
    assert says in refused.json()["detail"]


def test_prepared_audio_goes_to_another_process(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    engine = sync_engine(settings)
    storage = storage_from(settings)
    (tmp_path / "sound").write_bytes(b"sound")
    storage.copy_in("prepared/sound.wav", tmp_path / "sound")
    path = PreparedAudio(storage, settings, sync_sessions(engine)).path
    assert pickle.loads(pickle.dumps(path))("prepared/sound.wav").read_bytes() == b"sound"  # noqa: S301 (our own)
    engine.dispose()


def test_checkpoints_that_nobody_goes_on_with_are_removed(tmp_path: Path) -> None:
    for name, days in (("old", 31), ("young", 29)):
        file = tmp_path / name / "checkpoint-0.pt"
        file.parent.mkdir()
        file.write_bytes(b"weights")
        then = time.time() - 86_400 * days
        os.utime(file, (then, then))
    forget_old_checkpoints(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["young"]
    forget_old_checkpoints(tmp_path / "not-there")
