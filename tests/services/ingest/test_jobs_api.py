"""Jobs over REST, on SQLite and on PostgreSQL alike."""

import json
from datetime import timedelta

import httpx

from shared import jobs
from shared.db.engine import SyncSessions
from shared.errors import TransientError


def bury(sessions: SyncSessions, kind: str, count: int) -> list[str]:
    """Jobs that died after their only attempt."""
    ids = []
    for _ in range(count):
        with sessions.begin() as session:
            ids.append(jobs.submit(session, kind, {}, max_attempts=1).id)
            held = jobs.claim(session, jobs.queue_of(kind), worker="a", lease_seconds=30)
            assert held is not None
            jobs.retry_or_bury(session, held, TransientError("The tide was out."))
    return ids


async def test_all_dead_jobs_are_queued_again_by_one_call(api: httpx.AsyncClient, sessions: SyncSessions) -> None:
    prepares, train = bury(sessions, "preprocess.prepare", 3), bury(sessions, "trainer.train", 1)
    assert (await api.post("/jobs/retry", json={"kind": "preprocess.prepare"})).json() == {"queued": 3}
    states = [(await api.get(f"/jobs/{one}")).json()["state"] for one in (*prepares, *train)]
    assert states == ["queued"] * 3 + ["dead"]
    assert (await api.post("/jobs/retry", json={})).json() == {"queued": 1}
    assert (await api.post("/jobs/retry", json={"state": "running"})).status_code == 422


async def test_the_time_left_follows_the_pace_since_the_job_was_taken_up_again(
    api: httpx.AsyncClient, sessions: SyncSessions
) -> None:
    with sessions.begin() as session:
        job = jobs.submit(session, "ingest.run", {}, max_attempts=1)
        first = jobs.claim(session, "ingest", worker="a", lease_seconds=30)
        assert first is not None
        jobs.progress(session, first, 80, 100, "")
        jobs.interrupt(session, first)
        second = jobs.claim(session, "ingest", worker="b", lease_seconds=30)
        assert second is not None
    assert (await api.get(f"/jobs/{job.id}")).json()["progress"]["seconds_left"] is None, "nobody knows the pace yet"
    with sessions.begin() as session:
        jobs.progress(session, second, 90, 100, "")
        row = jobs.get(session, job.id)
        assert row.started_at is not None
        row.started_at = row.started_at - timedelta(seconds=50)
    left = (await api.get(f"/jobs/{job.id}")).json()["progress"]["seconds_left"]
    assert 45 <= left <= 60, "ten in fifty seconds, ten to go"


async def test_a_job_is_watched_until_it_ends(api: httpx.AsyncClient, sessions: SyncSessions) -> None:
    job_id = bury(sessions, "preprocess.prepare", 1)[0]
    async with api.stream("GET", f"/jobs/{job_id}/events") as response:
        lines = [line async for line in response.aiter_lines()]
    events = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert events == ["queued", "running", "dead", "job"]
    last = json.loads([line for line in lines if line.startswith("data: ")][-1].removeprefix("data: "))
    assert (last["state"], last["error"]["detail"]) == ("dead", "The tide was out.")


async def test_what_a_job_started_is_folded_into_it_and_counted(api: httpx.AsyncClient, sessions: SyncSessions) -> None:
    with sessions.begin() as session:
        parent = jobs.submit(session, "ingest.run", {"ingestion_id": "a" * 32}, max_attempts=1)
        for _ in range(2):
            jobs.submit(session, "preprocess.prepare", {}, max_attempts=1, parent_id=parent.id)
    bury(sessions, "trainer.train", 1)
    shown = (await api.get("/jobs", params={"top_level": True})).json()["items"]
    assert [(one["kind"], one["about"]) for one in shown] == [("trainer.train", None), ("ingest.run", "a" * 32)]
    below = (await api.get("/jobs/counts", params={"parent_id": parent.id})).json()
    assert below == [{"kind": "preprocess.prepare", "state": "queued", "jobs": 2}]
    assert [(one["kind"], one["state"], one["jobs"]) for one in (await api.get("/jobs/counts")).json()] == [
        ("ingest.run", "queued", 1),
        ("preprocess.prepare", "queued", 2),
        ("trainer.train", "dead", 1),
    ]
