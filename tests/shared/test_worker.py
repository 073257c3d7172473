"""What becomes of a job by what its handler does, on SQLite and on PostgreSQL alike."""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from shared import jobs
from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.db.tables import Job, Species
from shared.errors import InvalidInput, TransientError
from shared.settings import Settings
from shared.worker import JobContext, Postponed, Runtime, Worker


@pytest.fixture
def runtime(database_settings: Settings, sessions: SyncSessions) -> Iterator[Runtime]:
    """A worker's runtime; `sessions` has brought its database's schema to head."""
    made = Runtime(database_settings.model_copy(update={"lease_seconds": 0.3}))
    yield made
    made.engine.dispose()


@pytest.fixture
def run(runtime: Runtime, sessions: SyncSessions) -> Callable[[Callable[[JobContext], None]], Job]:
    def run_job(handler: Callable[[JobContext], None]) -> Job:
        with sessions.begin() as session:
            job_id = jobs.submit(session, "ingest.run", {"n": 1}, max_attempts=2).id
        runtime.answer(Worker(queue="ingest", handlers={"ingest.run": handler}))
        with sessions() as session:
            return session.get_one(Job, job_id)

    return run_job


Run = Callable[[Callable[[JobContext], None]], Job]


def test_a_handler_that_returns_has_succeeded(run: Run) -> None:
    assert run(lambda _: None).state == "succeeded"


def test_results_and_the_end_of_the_job_are_written_together(run: Run, sessions: SyncSessions) -> None:
    def handler(context: JobContext) -> None:
        with context.completion({"found": 1}) as session:
            session.add(Species(scientific_name="Avis nova"))

    assert run(handler).result == {"found": 1}
    with sessions() as session:
        assert session.get(Species, "Avis nova") is not None


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (InvalidInput("no"), "failed"),
        (TransientError("not now"), "queued"),
        (ZeroDivisionError("a bug"), "queued"),
    ],
)
def test_an_error_decides_whether_the_job_is_tried_again(run: Run, error: Exception, state: str) -> None:
    def handler(_: JobContext) -> None:
        raise error

    job = run(handler)
    assert job.state == state
    assert str(error) in (job.error or "")


def test_nothing_is_written_when_the_job_was_taken_over_meanwhile(run: Run, sessions: SyncSessions) -> None:
    def handler(context: JobContext) -> None:
        with sessions.begin() as session:
            session.execute(update(Job).values(fence=Job.fence + 1, worker="another"))
        with context.completion({"by": "the late one"}) as session:
            session.add(Species(scientific_name="Avis tarda"))

    job = run(handler)
    assert (job.state, job.worker, job.result) == ("running", "another", None)
    with sessions() as session:
        assert session.get(Species, "Avis tarda") is None


def test_a_cancelled_job_stops_at_its_next_check(run: Run, sessions: SyncSessions) -> None:
    def handler(context: JobContext) -> None:
        with sessions.begin() as session:
            jobs.cancel(session, context.claim.job_id)
        context.renew()
        context.check()
        raise AssertionError("the check should have ended it")

    assert run(handler).state == "cancelled"


def test_a_worker_that_is_told_to_stop_gives_its_job_back(run: Run, runtime: Runtime) -> None:
    def handler(context: JobContext) -> None:
        runtime.stopping.set()
        context.check()

    job = run(handler)
    assert (job.state, job.attempts) == ("queued", 0)


def test_the_lease_is_kept_for_as_long_as_the_handler_works(run: Run, sessions: SyncSessions) -> None:
    seen = []

    def handler(context: JobContext) -> None:
        with sessions() as session:
            first = session.get_one(Job, context.claim.job_id).lease_expires_at
        while len(seen) < 2:
            context.check()
            with sessions() as session:
                now_until = session.get_one(Job, context.claim.job_id).lease_expires_at
            if now_until != first and now_until not in seen:
                seen.append(now_until)

    assert run(handler).state == "succeeded"
    assert seen[1] > seen[0]


def test_a_message_too_many_runs_nothing_twice(run: Run, runtime: Runtime) -> None:
    run(lambda _: None)

    def handler(_: JobContext) -> None:
        raise AssertionError("it ran twice")

    runtime.answer(Worker(queue="ingest", handlers={"ingest.run": handler}))


def full_disk(_: JobContext) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def no_room(_: JobContext) -> None:
    raise Postponed("It waits for room.", seconds=5)


@pytest.mark.parametrize(("handler", "message"), [(full_disk, "the disk is full"), (no_room, "waits for room")])
def test_what_is_not_the_jobs_fault_postpones_it(run: Run, handler: Callable[[JobContext], None], message: str) -> None:
    job = run(handler)
    assert (job.state, job.attempts) == ("queued", 0)
    assert message in job.progress_message
    assert job.not_before > now()


def test_a_job_of_a_newer_version_waits_for_a_worker_that_knows_it(runtime: Runtime, sessions: SyncSessions) -> None:
    with sessions.begin() as session:
        job_id = jobs.submit(session, "ingest.novelty", {}, max_attempts=1).id
    runtime.answer(Worker(queue="ingest", handlers={}))
    with sessions() as session:
        assert session.get_one(Job, job_id).state == "queued"


def test_a_waiting_job_says_for_what_and_stops_when_it_is_cancelled(run: Run, sessions: SyncSessions) -> None:
    def handler(context: JobContext) -> None:
        with sessions.begin() as session:
            jobs.cancel(session, context.claim.job_id)
        context.wait(60, "Waits for the tide.")

    job = run(handler)
    assert (job.state, job.progress_message) == ("cancelled", "Waits for the tide.")


def test_a_database_that_is_away_while_a_worker_is_rung_is_no_error_of_the_worker(tmp_path: Path) -> None:
    runtime = Runtime(Settings(data_dir=tmp_path / "nowhere"))
    runtime.answer(Worker(queue="ingest", handlers={}))
    runtime.engine.dispose()
