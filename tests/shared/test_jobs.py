"""The states of a job, on SQLite and on PostgreSQL alike."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shared import jobs
from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.db.tables import Job, JobEvent, Outbox
from shared.errors import Conflict, InvalidInput, NotFound, TransientError
from shared.jobs import Claim, Priority, Standing


def submit(
    sessions: SyncSessions,
    kind: str = "ingest.run",
    *,
    max_attempts: int = 3,
    parent_id: str | None = None,
    priority: Priority = Priority.NORMAL,
) -> str:
    with sessions.begin() as session:
        job = jobs.submit(session, kind, {"n": 1}, max_attempts=max_attempts, parent_id=parent_id, priority=priority)
        return job.id


def claim_next(sessions: SyncSessions, worker: str = "a") -> Claim | None:
    with sessions.begin() as session:
        return jobs.claim(session, "ingest", worker=worker, lease_seconds=30)


def claim(sessions: SyncSessions, job_id: str, worker: str = "a") -> Claim:
    """Claims the one job that waits."""
    held = claim_next(sessions, worker)
    assert held is not None
    assert held.job_id == job_id
    return held


def look(sessions: SyncSessions, job_id: str) -> Job:
    with sessions() as session:
        return session.get_one(Job, job_id)


def doorbells(sessions: SyncSessions, job_id: str) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).where(Outbox.job_id == job_id)) or 0


def lose_lease(sessions: SyncSessions, job_id: str) -> None:
    with sessions.begin() as session:
        session.execute(update(Job).where(Job.id == job_id).values(lease_expires_at=now() - timedelta(seconds=1)))


def make_due(sessions: SyncSessions, job_id: str) -> None:
    with sessions.begin() as session:
        session.execute(update(Job).where(Job.id == job_id).values(not_before=now()))


def test_a_job_and_its_doorbell_are_written_together_or_not_at_all(sessions: SyncSessions) -> None:
    kept = submit(sessions)
    with sessions() as session:
        rolled_back = jobs.submit(session, "ingest.run", {}, max_attempts=3).id
        session.rollback()
    assert doorbells(sessions, kept) == 1
    assert doorbells(sessions, rolled_back) == 0
    with sessions() as session:
        assert session.get(Job, rolled_back) is None


def test_a_job_is_claimed_once_however_many_ask(sessions: SyncSessions) -> None:
    job_id = submit(sessions)

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda worker: claim_next(sessions, str(worker)), range(16)))
    assert sum(one is not None for one in claims) == 1
    assert look(sessions, job_id).state == "running"
    assert doorbells(sessions, job_id) == 0


def test_who_waits_for_an_answer_goes_before_an_import_and_the_first_come_before_the_next(
    sessions: SyncSessions,
) -> None:
    bulk = [submit(sessions, priority=Priority.BULK) for _ in range(2)]
    plain = submit(sessions)
    person = submit(sessions, priority=Priority.PERSON)
    submit(sessions, "preprocess.prepare", priority=Priority.PERSON)
    claims = [claim_next(sessions) for _ in range(5)]
    assert [held.job_id if held else None for held in claims] == [person, plain, *bulk, None]


def test_rivals_take_different_jobs(sessions: SyncSessions) -> None:
    submitted = {submit(sessions) for _ in range(20)}
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda worker: claim_next(sessions, str(worker)), range(20)))
    taken = [held.job_id for held in claims if held is not None]
    assert len(taken) == len(set(taken)), "no job was taken twice"
    while (rest := claim_next(sessions)) is not None:  # one that a rival held for a moment is passed over
        taken.append(rest.job_id)
    assert set(taken) == submitted


def test_a_success_is_written_with_its_result_and_only_once(sessions: SyncSessions) -> None:
    job_id = submit(sessions)
    held = claim(sessions, job_id)
    with sessions.begin() as session:
        jobs.succeed(session, held, {"slices": 3})
    job = look(sessions, job_id)
    assert (job.state, job.result, job.lease_expires_at) == ("succeeded", {"slices": 3}, None)
    with sessions() as session, pytest.raises(jobs.LeaseLost):
        jobs.succeed(session, held, {"slices": 4})


def test_a_worker_that_woke_up_late_cannot_overwrite_its_successor(sessions: SyncSessions) -> None:
    job_id = submit(sessions)
    sleeper = claim(sessions, job_id, "sleeper")
    lose_lease(sessions, job_id)
    with sessions.begin() as session:
        assert jobs.reap(session) == [job_id]
    successor = claim(sessions, job_id, "successor")
    with sessions.begin() as session:
        assert jobs.renew(session, sleeper, lease_seconds=30) is Standing.LOST
    for write in (
        lambda session: jobs.succeed(session, sleeper, {"by": "sleeper"}),
        lambda session: jobs.confirm(session, sleeper),
        lambda session: jobs.progress(session, sleeper, 1, 2, ""),
        lambda session: jobs.fail(session, sleeper, InvalidInput("late")),
    ):
        with sessions() as session, pytest.raises(jobs.LeaseLost):
            write(session)
    with sessions.begin() as session:
        jobs.succeed(session, successor, {"by": "successor"})
    assert look(sessions, job_id).result == {"by": "successor"}


def test_the_reaper_leaves_jobs_with_a_living_lease_alone(sessions: SyncSessions) -> None:
    job_id = submit(sessions)
    claim(sessions, job_id)
    with sessions.begin() as session:
        assert jobs.reap(session) == []
    assert look(sessions, job_id).state == "running"


def test_a_job_that_kills_each_of_its_workers_is_dead_after_its_last_attempt(sessions: SyncSessions) -> None:
    job_id = submit(sessions, max_attempts=2)
    for _ in range(2):
        claim(sessions, job_id)
        lose_lease(sessions, job_id)
        with sessions.begin() as session:
            jobs.reap(session)
    job = look(sessions, job_id)
    assert (job.state, job.error_code) == ("dead", "worker-lost")
    assert doorbells(sessions, job_id) == 0


def test_a_passing_failure_is_tried_again_later_and_the_last_one_buries(sessions: SyncSessions) -> None:
    job_id = submit(sessions, max_attempts=2)
    held = claim(sessions, job_id)
    with sessions.begin() as session:
        assert jobs.retry_or_bury(session, held, TransientError("the disk sulks")) == "queued"
    job = look(sessions, job_id)
    assert job.not_before > now()
    assert doorbells(sessions, job_id) == 1
    assert claim_next(sessions) is None, "it is not due yet"
    make_due(sessions, job_id)
    held = claim(sessions, job_id)
    with sessions.begin() as session:
        assert jobs.retry_or_bury(session, held, TransientError("the disk sulks")) == "dead"
    assert look(sessions, job_id).error == "the disk sulks"


def test_progress_gives_a_job_its_attempts_back(sessions: SyncSessions) -> None:
    job_id = submit(sessions, max_attempts=2)
    for epoch in range(1, 6):
        held = claim(sessions, job_id)
        with sessions.begin() as session:
            jobs.progress(session, held, epoch, 10, "")
        lose_lease(sessions, job_id)
        with sessions.begin() as session:
            jobs.reap(session)
        assert look(sessions, job_id).state == "queued"


def test_a_job_that_begins_anew_and_kills_its_worker_at_the_same_step_is_dead_in_the_end(
    sessions: SyncSessions,
) -> None:
    job_id = submit(sessions, max_attempts=2)
    for _ in range(2):
        held = claim(sessions, job_id)
        for step in (0, 1):
            with sessions.begin() as session:
                jobs.progress(session, held, step, 3, "")
        lose_lease(sessions, job_id)
        with sessions.begin() as session:
            jobs.reap(session)
    assert look(sessions, job_id).state == "dead"


GIVE_BACK: dict[str, Callable[[Session, Claim], object]] = {
    "interrupted": jobs.interrupt,
    "postponed": lambda session, held: jobs.postpone(session, held, "", delay_seconds=1),
    "failed for now": lambda session, held: jobs.retry_or_bury(session, held, TransientError("no")),
}


@pytest.mark.parametrize("give_back", GIVE_BACK.values(), ids=GIVE_BACK.keys())
def test_a_job_that_is_given_back_while_somebody_cancels_it_is_not_queued_again(
    sessions: SyncSessions, give_back: Callable[[Session, Claim], object]
) -> None:
    job_id = submit(sessions)
    held = claim(sessions, job_id)
    with sessions.begin() as session:
        jobs.cancel(session, job_id)
    with sessions.begin() as session:
        give_back(session, held)
    assert (look(sessions, job_id).state, doorbells(sessions, job_id)) == ("cancelled", 0)


def test_an_interruption_costs_no_attempt(sessions: SyncSessions) -> None:
    job_id = submit(sessions, max_attempts=1)
    for _ in range(3):
        held = claim(sessions, job_id)
        with sessions.begin() as session:
            jobs.interrupt(session, held)
    assert look(sessions, job_id).attempts == 0


def test_a_postponed_job_waits_with_its_reason_and_costs_no_attempt(sessions: SyncSessions) -> None:
    job_id = submit(sessions, max_attempts=1)
    held = claim(sessions, job_id)
    with sessions.begin() as session:
        jobs.postpone(session, held, "The disk is full.", delay_seconds=60)
    job = look(sessions, job_id)
    assert (job.state, job.attempts, job.progress_message) == ("queued", 0, "The disk is full.")
    assert claim_next(sessions) is None, "it is not due yet"
    assert doorbells(sessions, job_id) == 1


def test_the_speed_of_a_job_counts_from_where_it_was_resumed(sessions: SyncSessions) -> None:
    job_id = submit(sessions)
    with sessions.begin() as session:
        held = jobs.claim(session, "ingest", worker="a", lease_seconds=30)
        assert held is not None
        jobs.progress(session, held, 40, 100, "")
        jobs.interrupt(session, held)
    held = claim(sessions, job_id)
    assert look(sessions, job_id).progress_at_start == 40
    with sessions.begin() as session:
        jobs.progress(session, held, 5, 100, "it began anew")
    assert look(sessions, job_id).progress_at_start == 5


def test_a_permanent_failure_ends_the_job_with_its_reason(sessions: SyncSessions) -> None:
    job_id = submit(sessions)
    held = claim(sessions, job_id)
    with sessions.begin() as session:
        jobs.fail(session, held, InvalidInput("No sound in it.", hint="Check the microphone."))
    job = look(sessions, job_id)
    assert (job.state, job.error_code, job.error) == (
        "failed",
        "invalid-input",
        "No sound in it. Check the microphone.",
    )


def test_cancelling_stops_what_waits_at_once_and_asks_what_runs(sessions: SyncSessions) -> None:
    parent = submit(sessions)
    running = claim(sessions, parent)
    waiting = submit(sessions, parent_id=parent)
    grandchild = submit(sessions, parent_id=waiting)
    with sessions.begin() as session:
        jobs.cancel(session, parent)
    assert [look(sessions, one).state for one in (parent, waiting, grandchild)] == ["running", "cancelled", "cancelled"]
    with sessions.begin() as session:
        assert jobs.renew(session, running, lease_seconds=30) is Standing.CANCELLED
        jobs.cancelled(session, running)
    with sessions() as session, pytest.raises(Conflict, match="already ended"):
        jobs.cancel(session, parent)


def test_a_job_that_is_being_cancelled_adds_nothing_more(sessions: SyncSessions) -> None:
    parent = submit(sessions)
    held = claim(sessions, parent)
    with sessions.begin() as session:
        jobs.cancel(session, parent)
    with sessions() as session:
        jobs.submit(session, "ingest.run", {}, max_attempts=1, parent_id=parent)
        with pytest.raises(jobs.CancelRequested):
            jobs.confirm(session, held)


def test_cancelling_an_import_cancels_thousands_at_once(sessions: SyncSessions) -> None:
    parent = submit(sessions)
    claim(sessions, parent)
    with sessions.begin() as session:
        for _ in range(2000):
            jobs.submit(session, "preprocess.prepare", {}, max_attempts=1, parent_id=parent)
    with sessions.begin() as session:
        jobs.cancel(session, parent)
    with sessions() as session:
        states = {row[0]: row[1] for row in session.execute(select(Job.state, func.count()).group_by(Job.state))}
        assert states == {"running": 1, "cancelled": 2000}
        assert session.scalar(select(func.count()).select_from(Outbox)) == 0
        ended = select(func.count()).where(JobEvent.kind == "cancelled")
        assert session.scalar(ended) == 2000


def test_a_cancelled_job_whose_worker_died_is_not_run_again(sessions: SyncSessions) -> None:
    job_id = submit(sessions)
    claim(sessions, job_id)
    with sessions.begin() as session:
        jobs.cancel(session, job_id)
    lose_lease(sessions, job_id)
    with sessions.begin() as session:
        jobs.reap(session)
    assert look(sessions, job_id).state == "cancelled"


def test_retry_queues_only_what_ended_badly(sessions: SyncSessions) -> None:
    job_id = submit(sessions)
    with sessions() as session, pytest.raises(Conflict, match="only failed, dead and cancelled"):
        jobs.retry(session, job_id)
    with sessions.begin() as session:
        jobs.cancel(session, job_id)
    with sessions.begin() as session:
        jobs.retry(session, job_id)
    assert look(sessions, job_id).state == "queued"
    assert doorbells(sessions, job_id) == 1
    with sessions() as session, pytest.raises(NotFound):
        jobs.retry(session, "no such job")


def test_all_dead_jobs_are_queued_again_in_parts(sessions: SyncSessions) -> None:
    dead = []
    for _ in range(5):
        dead.append(submit(sessions, max_attempts=1))
        held = claim(sessions, dead[-1])
        with sessions.begin() as session:
            jobs.retry_or_bury(session, held, TransientError("no"))
    with sessions.begin() as session:
        assert jobs.retry_all(session, "dead", ended_before=now(), kind="trainer.train") == 0
        ended = jobs.get(session, dead[0]).finished_at
        assert ended is not None
        assert jobs.retry_all(session, "dead", ended_before=ended) == 0, "what dies meanwhile is not queued for ever"
    counts = []
    for _ in range(4):
        with sessions.begin() as session:
            counts.append(jobs.retry_all(session, "dead", ended_before=now(), at_most=2))
    assert counts == [2, 2, 1, 0]
    assert {(look(sessions, one).state, doorbells(sessions, one)) for one in dead} == {("queued", 1)}


def test_the_embedded_start_takes_everything_back(sessions: SyncSessions) -> None:
    interrupted = submit(sessions)
    claim(sessions, interrupted)
    waiting = submit(sessions)
    with sessions.begin() as session:
        assert jobs.release_all(session) == [interrupted]
    assert {look(sessions, one).state for one in (interrupted, waiting)} == {"queued"}
    assert doorbells(sessions, interrupted) == doorbells(sessions, waiting) == 1


def test_every_transition_leaves_an_event(sessions: SyncSessions) -> None:
    job_id = submit(sessions)
    held = claim(sessions, job_id)
    with sessions.begin() as session:
        jobs.note(session, held, "epoch", {"loss": 0.5})
        jobs.succeed(session, held)
    with sessions() as session:
        kinds = list(session.scalars(select(JobEvent.kind).where(JobEvent.job_id == job_id).order_by(JobEvent.id)))
    assert kinds == ["queued", "running", "epoch", "succeeded"]
