"""Preparing anew, on SQLite and on PostgreSQL alike."""

from collections.abc import Callable, Iterator
from typing import get_args

import httpx
import pytest
from sqlalchemy import select

from services.ingest.preparations_api import PresetName
from services.ingest.tasks import WORKER
from shared import jobs
from shared.audio.segmentation import PRESETS
from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.db.tables import Job, Recording
from shared.settings import Settings
from shared.worker import Runtime

Run = Callable[..., None]


@pytest.fixture
def run(database_settings: Settings, sessions: SyncSessions) -> Iterator[Run]:
    """Runs the job that waits in the queue of the ingest worker, under changed settings."""

    def run_once(**settings: object) -> None:
        with sessions.begin() as session:
            for job in session.scalars(select(Job).where(Job.queue == "ingest")):
                job.not_before = job.created_at
        runtime = Runtime(database_settings.model_copy(update=settings))
        runtime.settings.storage_dir.mkdir(parents=True, exist_ok=True)
        runtime.answer(WORKER)
        runtime.engine.dispose()

    return run_once


def add(sessions: SyncSessions, segmentation: str | None, *, deleted: bool = False, count: int = 1) -> list[str]:
    with sessions.begin() as session:
        rows = [
            Recording(
                sha256=f"{segmentation}{deleted}{number}",
                original_key="k",
                original_name="n",
                size=1,
                source="upload",
                segmentation=segmentation,
                prepared_at=now() if segmentation else None,
                deleted_at=now() if deleted else None,
            )
            for number in range(count)
        ]
        session.add_all(rows)
    return [row.id for row in rows]


def queued(sessions: SyncSessions) -> list[tuple[str, str]]:
    with sessions() as session:
        rows = session.scalars(select(Job).where(Job.kind == "preprocess.prepare")).all()
    return sorted((row.payload["recording_id"], row.payload["preset"]) for row in rows if "preset" in row.payload)


def test_every_preset_can_be_asked_for() -> None:
    assert get_args(PresetName) == tuple(PRESETS)


async def test_what_another_preset_prepared_or_nobody_is_queued_and_nothing_else(
    api: httpx.AsyncClient, run: Run, sessions: SyncSessions
) -> None:
    old = add(sessions, "original", count=2)
    for segmentation in ("contrast", "given"):
        add(sessions, segmentation)
    add(sessions, "original", deleted=True)
    waiting, cancelled = add(sessions, None, count=2)
    for recording_id in (waiting, cancelled):
        with sessions.begin() as session:
            job = jobs.submit(session, "preprocess.prepare", {"recording_id": recording_id}, max_attempts=1)
            if recording_id == cancelled:
                jobs.cancel(session, job.id)
    answer = await api.post("/preparations", json={})
    assert answer.status_code == 202
    run()
    job = (await api.get(answer.headers["location"])).json()
    assert (job["state"], job["result"]) == ("succeeded", {"recordings": 3})
    assert queued(sessions) == sorted((one, "contrast") for one in [*old, cancelled])
    children = (await api.get("/jobs", params={"parent_id": job["id"]})).json()["items"]
    assert len(children) == 3


async def test_all_are_queued_where_one_asks_for_all(api: httpx.AsyncClient, run: Run, sessions: SyncSessions) -> None:
    wanted = [*add(sessions, "contrast"), *add(sessions, "given")]
    await api.post("/preparations", json={"preset": "contrast", "only_other": False})
    run()
    assert queued(sessions) == sorted((one, "contrast") for one in wanted)


async def test_the_queue_stays_bounded_and_none_is_queued_twice(
    api: httpx.AsyncClient, run: Run, sessions: SyncSessions
) -> None:
    wanted = add(sessions, "original", count=250)
    location = (await api.post("/preparations", json={"preset": "sprengel2016"})).headers["location"]
    run(max_waiting=50)
    assert len(queued(sessions)) == 100, "one part, then it waits for room"
    waiting = (await api.get(location)).json()
    assert waiting["state"] == "queued"
    assert "Paused: 50 recordings wait" in waiting["progress"]["message"]
    run()
    assert queued(sessions) == sorted((one, "sprengel2016") for one in wanted)


async def test_one_recording_is_prepared_anew_by_the_preset_that_one_names(
    api: httpx.AsyncClient, sessions: SyncSessions
) -> None:
    (recording_id,) = add(sessions, "contrast")
    for body, preset in ((None, "contrast"), ({"preset": "original"}, "original")):
        answer = await api.post(f"/recordings/{recording_id}/prepare", json=body)
        assert (answer.status_code, answer.json()["kind"]) == (202, "preprocess.prepare")
        assert (recording_id, preset) in queued(sessions)
    assert (await api.post("/recordings/none/prepare")).json()["code"] == "not-found"
    assert (await api.post(f"/recordings/{recording_id}/prepare", json={"preset": "birdy"})).status_code == 422
