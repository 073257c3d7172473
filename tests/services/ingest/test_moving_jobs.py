"""What moves among the jobs, told to pages as server-sent events, on SQLite and on PostgreSQL alike."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.ingest import moving_jobs
from services.ingest.api import API
from services.ingest.moving_jobs import Counting, JobCount
from shared import jobs
from shared.db.engine import SyncSessions
from shared.db.tables import JobEvent
from shared.http import moves
from shared.http.moves import Moved, Moves
from shared.queue import declare_queues
from shared.settings import Settings
from tests.support.serving import serving


@dataclass(frozen=True)
class Told:
    kind: str
    data: Any
    id: str


@pytest.fixture
def url(database_settings: Settings, sessions: SyncSessions) -> Iterator[str]:
    database_settings.storage_dir.mkdir(parents=True, exist_ok=True)
    declare_queues(database_settings)
    with serving(database_settings, API) as url:
        yield url


@asynccontextmanager
async def watching(url: str, query: str = "", *, last: str | None = None) -> AsyncIterator[AsyncIterator[Told]]:
    """What is told of jobs, event by event."""
    headers = {} if last is None else {"Last-Event-ID": last}
    async with (
        httpx.AsyncClient(base_url=url, timeout=20) as client,
        client.stream("GET", f"/jobs/events{query}", headers=headers) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer)


async def _events(answer: httpx.Response) -> AsyncIterator[Told]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield Told(fields["event"], json.loads(fields["data"]), fields["id"])
            fields = {}


def submit(sessions: SyncSessions, kind: str = "ingest.run", parent_id: str | None = None) -> str:
    with sessions.begin() as session:
        return jobs.submit(session, kind, {}, max_attempts=1, parent_id=parent_id).id


def begin(sessions: SyncSessions, kind: str = "ingest.run") -> jobs.Claim:
    with sessions.begin() as session:
        held = jobs.claim(session, jobs.queue_of(kind), worker="a", lease_seconds=30)
    assert held is not None
    return held


async def test_a_page_is_told_of_each_job_that_moves_with_one_stream(url: str, sessions: SyncSessions) -> None:
    job = submit(sessions)
    async with watching(url, "?top_level=true") as told:
        assert (await anext(told)).kind == "reload", "what there is already is asked for"
        held = begin(sessions)
        begun = (await anext(told)).data
        assert [(one["id"], one["state"]) for one in begun["jobs"]] == [(job, "running")]
        with sessions.begin() as session:
            jobs.progress(session, held, 4, 10, "four are in")
        assert (await anext(told)).data["jobs"][0]["progress"]["fraction"] == 0.4
        with sessions.begin() as session:
            jobs.cancel(session, job)
        assert (await anext(told)).data["jobs"][0]["cancel_requested"] is True
        with sessions.begin() as session:
            jobs.cancelled(session, held)
        assert (await anext(told)).data["jobs"][0]["state"] == "cancelled"


async def test_what_a_job_started_moves_below_it(url: str, sessions: SyncSessions) -> None:
    parent = submit(sessions)
    async with watching(url, "?top_level=true") as top, watching(url, "?kind=preprocess.prepare") as prepared:
        assert [(await anext(one)).kind for one in (top, prepared)] == ["reload", "reload"]
        child = submit(sessions, "preprocess.prepare", parent)
        assert (await anext(top)).data == {"jobs": [], "below": [parent]}
        assert [one["id"] for one in (await anext(prepared)).data["jobs"]] == [child]
        other = submit(sessions, "trainer.train")
        assert [one["id"] for one in (await anext(top)).data["jobs"]] == [other]


async def test_what_moves_within_a_second_is_told_together(url: str, sessions: SyncSessions) -> None:
    async with watching(url) as told:
        await anext(told)
        for _ in range(3):
            submit(sessions)
        first, begun = await anext(told), time.monotonic()
        submit(sessions)
        second = await anext(told)
        assert time.monotonic() - begun > moves.LOOK_SECONDS / 2
        assert len(first.data["jobs"]) + len(second.data["jobs"]) == 4


async def test_jobs_are_counted_where_a_page_wants_to_know(url: str, sessions: SyncSessions) -> None:
    submit(sessions)
    async with watching(url, "?counts=true") as told:
        assert (await anext(told)).kind == "reload"
        counted = await anext(told)
        assert (counted.kind, counted.data) == ("counts", [{"kind": "ingest.run", "state": "queued", "jobs": 1}])
        begin(sessions)
        assert (await anext(told)).kind == "jobs"
        assert (await anext(told)).data == [{"kind": "ingest.run", "state": "running", "jobs": 1}]


async def test_who_comes_back_is_told_what_moved_meanwhile(url: str, sessions: SyncSessions) -> None:
    async with watching(url) as told:
        last = (await anext(told)).id
    job = submit(sessions)
    async with watching(url, last=last) as told:
        assert [one["id"] for one in (await anext(told)).data["jobs"]] == [job]


async def test_a_stream_ends_in_time_so_that_a_key_is_asked_for_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moves, "STREAM_SECONDS", 0.5)
    async with watching(url) as told:
        assert [one.kind async for one in told] == ["reload"]


async def test_where_too_much_has_moved_the_page_asks_anew(
    url: str, sessions: SyncSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(url) as told:
        last = (await anext(told)).id
        monkeypatch.setattr(moving_jobs, "MOST_TOLD", 2)
        with sessions.begin() as session:
            for _ in range(3):
                jobs.submit(session, "ingest.run", {}, max_attempts=1)
        assert (await anext(told)).kind == "reload"
    monkeypatch.setattr(moves, "MOST_EVENTS", 2)
    async with watching(url, last=last) as told:
        assert (await anext(told)).kind == "reload"
    async with watching(url, last="1000") as told:
        assert (await anext(told)).kind == "reload", "of another database, or one that was brought back"


def look(watcher: Moves, sessions: SyncSessions) -> list[str] | None:
    with sessions() as session:
        moved = watcher.look(session)
    return None if moved is None else [one.id for one in moved]


def test_an_event_that_is_committed_after_later_ones_is_not_missed(sessions: SyncSessions) -> None:
    early, late = submit(sessions), submit(sessions)
    watcher = Moves()
    assert look(watcher, sessions) is None
    with sessions.begin() as session:
        session.add(JobEvent(id=12, job_id=late, kind="epoch", data={}))
    assert look(watcher, sessions) == [late]
    with sessions.begin() as session:
        session.add(JobEvent(id=11, job_id=early, kind="epoch", data={}))
    assert look(watcher, sessions) == [early]
    assert look(watcher, sessions) == []


def test_an_event_that_is_under_way_when_one_begins_to_watch_is_not_missed(sessions: SyncSessions) -> None:
    early, late = submit(sessions), submit(sessions)
    with sessions.begin() as session:
        session.add(JobEvent(id=12, job_id=late, kind="epoch", data={}))
    watcher = Moves()
    assert look(watcher, sessions) is None
    with sessions.begin() as session:
        session.add(JobEvent(id=11, job_id=early, kind="epoch", data={}))
    assert look(watcher, sessions) == [early]


def test_a_job_that_runs_and_does_not_change_has_not_moved(sessions: SyncSessions) -> None:
    submit(sessions)
    watcher = Moves()
    look(watcher, sessions)
    held = begin(sessions)
    assert look(watcher, sessions) == [held.job_id]
    assert look(watcher, sessions) == []
    with sessions.begin() as session:
        jobs.say(session, held, "waits for Xeno-canto")
    assert look(watcher, sessions) == [held.job_id]


def test_a_move_names_the_kind_of_a_job_and_what_started_it(sessions: SyncSessions) -> None:
    watcher = Moves()
    look(watcher, sessions)
    parent = submit(sessions)
    child = submit(sessions, "preprocess.prepare", parent)
    with sessions() as session:
        moved = watcher.look(session)
    assert moved == [Moved(parent, "ingest.run", None), Moved(child, "preprocess.prepare", parent)]


def test_counting_takes_a_tenth_of_the_time_at_most(sessions: SyncSessions, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    class Slow:
        @staticmethod
        def monotonic() -> float:
            clock[0] += 0.5
            return clock[0]

    monkeypatch.setattr(moving_jobs, "time", Slow)
    counting = Counting()

    def counted() -> list[JobCount] | None:
        counting.stale = True
        with sessions() as session:
            return counting(session)

    assert counted() == []
    submit(sessions)
    assert counted() is None, "the first took half a second"
    clock[0] += 5.0
    assert counted() == [JobCount(kind="ingest.run", state="queued", jobs=1)]
