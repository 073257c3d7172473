"""The states of a job and the only ways between them.

    queued -> running -> succeeded | failed | dead | cancelled

The database is the truth; Celery only carries ids (ADR 0002). Each transition is one conditional UPDATE: it names the
state that it leaves and, for the holder of a job, the fencing token of its claim. When no row matches, somebody else
owns the job, and nothing is written. A queued job always has an outbox row, its doorbell, written in the same
transaction. Any doorbell of a queue makes a worker take the most urgent job of that queue.

All functions take a synchronous session inside a transaction that the caller commits; an API calls them through
`AsyncSession.run_sync`.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from typing import Any, cast

from sqlalchemy import CursorResult, ScalarSelect, Select, case, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from shared.db.base import now
from shared.db.tables import Job, JobEvent, Outbox
from shared.errors import ChiffchaffError, Conflict, NotFound

BACKOFF_BASE_SECONDS = 2.0
BACKOFF_CAP_SECONDS = 300.0
RETRYABLE = ("failed", "dead", "cancelled")


class Priority(IntEnum):
    """The lower, the sooner; within one priority, first come, first served."""

    PERSON = 0
    """Somebody waits for the answer."""
    NORMAL = 5
    BULK = 9
    """One of the thousands of an import."""


@dataclass(frozen=True)
class Claim:
    """The right to run a job, and to write its result for as long as nobody claimed it anew."""

    job_id: str
    kind: str
    payload: dict[str, Any]
    fence: int
    attempts: int
    max_attempts: int
    progress_done: float


class Standing(Enum):
    """What a worker learns when it renews its lease."""

    HELD = "held"
    CANCELLED = "cancelled"
    LOST = "lost"


class LeaseLost(Exception):
    """Another worker has claimed the job since; whatever this one found must not be written."""


class CancelRequested(Exception):
    """Somebody cancelled the job while it ran."""


def submit(
    session: Session,
    kind: str,
    payload: dict[str, Any],
    *,
    max_attempts: int,
    priority: Priority = Priority.NORMAL,
    parent_id: str | None = None,
) -> Job:
    """Adds a queued job and its doorbell to the caller's transaction."""
    job = Job(
        kind=kind,
        queue=queue_of(kind),
        priority=priority,
        payload=payload,
        max_attempts=max_attempts,
        parent_id=parent_id,
    )
    session.add(job)
    session.flush()
    _note(session, job.id, "queued")
    _add_doorbell(session, job.id)
    return job


def queue_of(kind: str) -> str:
    """The queue that a kind of job waits in: the part of its name before the dot."""
    return kind.split(".")[0]


def get(session: Session, job_id: str) -> Job:
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}.", hint="GET /jobs lists them.")
    return job


def claim(session: Session, queue: str, *, worker: str, lease_seconds: float) -> Claim | None:
    """Takes the most urgent job of the queue that is due; None when there is none."""
    moment = now()
    due = (
        select(Job.id)
        .where(Job.queue == queue, Job.state == "queued", Job.not_before <= moment)
        .order_by(Job.priority, Job.not_before)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = session.execute(
        update(Job)
        .where(Job.id == due.scalar_subquery(), Job.state == "queued")
        .values(
            state="running",
            fence=Job.fence + 1,
            attempts=Job.attempts + 1,
            worker=worker,
            lease_expires_at=moment + timedelta(seconds=lease_seconds),
            started_at=moment,
            updated_at=moment,
            progress_at_start=Job.progress_done,
        )
        .returning(Job.id, Job.kind, Job.payload, Job.fence, Job.attempts, Job.max_attempts, Job.progress_done)
    ).one_or_none()
    if row is None:
        return None
    session.execute(delete(Outbox).where(Outbox.job_id == row.id))
    _note(session, row.id, "running", worker=worker, attempt=row.attempts)
    return Claim(*row)


def waiting(session: Session, queue: str, *, at_most: int) -> int:
    """How many jobs are queued; counted up to `at_most`, so that the answer costs the same however many there are."""
    some = select(literal(1)).where(Job.queue == queue, Job.state == "queued").limit(at_most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def renew(session: Session, held: Claim, *, lease_seconds: float) -> Standing:
    """Extends the lease of a running job and learns whether it is still wanted."""
    try:
        unwanted = _touch(session, held, lease_expires_at=now() + timedelta(seconds=lease_seconds))
    except LeaseLost:
        return Standing.LOST
    return Standing.CANCELLED if unwanted else Standing.HELD


def progress(session: Session, held: Claim, done: float, total: float | None, message: str) -> None:
    """Notes how far a job is. One that gets further than ever before starts counting its attempts anew."""
    further = Job.progress_furthest < done
    _expect_one(
        session,
        _held(held).values(
            attempts=case((further, 1), else_=Job.attempts),
            progress_furthest=case((further, done), else_=Job.progress_furthest),
            progress_at_start=case((Job.progress_at_start > done, done), else_=Job.progress_at_start),
            progress_done=done,
            progress_total=total,
            progress_message=message,
            updated_at=now(),
        ),
    )


def say(session: Session, held: Claim, message: str) -> None:
    """Changes what a running job says of itself, not how far it is."""
    _touch(session, held, progress_message=message)


def note(session: Session, held: Claim, kind: str, data: dict[str, Any]) -> None:
    """Appends what the job reports on its way, for those who watch it."""
    _touch(session, held)  # also while it is being cancelled: what it reports has happened
    _note(session, held.job_id, kind, **data)


def confirm(session: Session, held: Claim) -> None:
    """Lets the caller's transaction commit only while the job is still this claim's, and wanted.

    Raises:
        LeaseLost, CancelRequested: when it is not; the transaction must be rolled back.
    """
    if _touch(session, held):
        raise CancelRequested


def succeed(session: Session, held: Claim, result: dict[str, Any] | None = None) -> None:
    """Ends the job; call it in the transaction that writes what the job produced.

    Raises:
        LeaseLost: when the job is no longer this claim's; the transaction must be rolled back.
    """
    _finish(session, held, "succeeded", result=result)


def fail(session: Session, held: Claim, error: ChiffchaffError) -> None:
    """Ends the job for a reason that trying again would not change."""
    _finish(session, held, "failed", error_code=error.code, error=str(error))


def cancelled(session: Session, held: Claim) -> None:
    _finish(session, held, "cancelled")


def retry_or_bury(session: Session, held: Claim, error: ChiffchaffError) -> str:
    """After a passing failure: queues the job again with backoff, or declares it dead after its last attempt.

    Returns the state that the job has now.
    """
    if _attempts(session, held) >= held.max_attempts:  # not the claim's count: progress may have reset it since
        _finish(session, held, "dead", error_code=error.code, error=str(error))
        return "dead"
    delay = backoff_seconds(held.attempts)
    return _requeue(session, held, delay_seconds=delay, error_code=error.code, error=str(error))


def interrupt(session: Session, held: Claim) -> None:
    """Gives a running job back unfinished because the worker is told to stop; no attempt is counted."""
    _requeue(session, held, delay_seconds=0.0, attempts=Job.attempts - 1)


def postpone(session: Session, held: Claim, reason: str, *, delay_seconds: float) -> None:
    """Gives a running job back for later, since it cannot go on now; no attempt is counted."""
    _requeue(session, held, delay_seconds=delay_seconds, attempts=Job.attempts - 1, progress_message=reason)


def cancel(session: Session, job_id: str) -> Job:
    """Cancels a job and all below it: at once where it waits, at the next check where it runs.

    Raises:
        NotFound: when there is no such job.
        Conflict: when the job and all below it have ended already.
    """
    job = get(session, job_id)
    family = select(_family(job_id).c.id)
    # Locks the rows as well, so that none is claimed or given back before the second statement.
    wanted = update(Job).where(Job.id.in_(family), Job.state.in_(("queued", "running"))).values(cancel_requested=True)
    if not _count(session, wanted):
        raise Conflict(f"Job {job_id} has already ended as {job.state}.")
    moment = now()
    stopped = session.scalars(
        update(Job)
        .where(Job.id.in_(family), Job.state == "queued")
        .values(state="cancelled", finished_at=moment, updated_at=moment)
        .returning(Job.id)
    ).all()
    session.execute(delete(Outbox).where(Outbox.job_id.in_(family)))
    _note_all(session, stopped, "cancelled")
    session.refresh(job)
    return job


def retry(session: Session, job_id: str) -> Job:
    """Queues a job that failed, died or was cancelled once more, with all its attempts.

    Raises:
        NotFound, Conflict: when there is no such job, or it has not ended that way.
    """
    job = get(session, job_id)
    if not _queue_again(session, select(literal(job_id)), RETRYABLE):
        raise Conflict(f"Job {job_id} is {job.state}; only failed, dead and cancelled jobs can be retried.")
    session.refresh(job)
    return job


def retry_all(
    session: Session, state: str, *, ended_before: datetime, kind: str | None = None, at_most: int = 1000
) -> int:
    """Queues up to `at_most` jobs that ended as `state` once more. Returns how many; 0 means that none is left.

    Args:
        ended_before: leaves out those that have ended so since; else one that dies at once would never be done with.
    """
    chosen = select(Job.id).where(Job.state == state, Job.finished_at < ended_before)
    chosen = chosen.order_by(Job.created_at, Job.id).limit(at_most)
    if kind is not None:
        chosen = chosen.where(Job.kind == kind)
    return _queue_again(session, chosen, (state,))


def reap(session: Session) -> list[str]:
    """Takes jobs back from workers whose lease ran out; those out of attempts are dead. Returns their ids."""
    return _take_back(session, Job.lease_expires_at < now())


def release_all(session: Session) -> list[str]:
    """Takes every running job back at once. Only for who knows that no worker is alive (the embedded start)."""
    session.execute(update(Outbox).values(publish_at=now()))
    return _take_back(session, Job.state == "running")


def backoff_seconds(attempt: int) -> float:
    """Exponential backoff with full jitter, at least a quarter of the step."""
    step = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2.0 ** max(0, attempt - 1))
    return step * random.uniform(0.25, 1.0)  # noqa: S311 (jitter, not a secret)


def _take_back(session: Session, condition: Any) -> list[str]:
    rows = session.execute(
        select(Job.id, Job.fence, Job.attempts, Job.max_attempts, Job.cancel_requested).where(
            Job.state == "running", condition
        )
    ).all()
    taken = []
    for job_id, fence, attempts, max_attempts, cancel_requested in rows:
        held = Claim(job_id, "", {}, fence, attempts, max_attempts, 0.0)
        try:
            if attempts >= max_attempts and not cancel_requested:
                error = "The worker that ran it stopped without a word, each time it was tried."
                _finish(session, held, "dead", error_code="worker-lost", error=error)
            else:
                _requeue(session, held, delay_seconds=0.0)
        except LeaseLost:
            continue
        taken.append(job_id)
    return taken


def _held(held: Claim) -> Any:
    return update(Job).where(Job.id == held.job_id, Job.state == "running", Job.fence == held.fence)


def _touch(session: Session, held: Claim, **values: Any) -> bool:
    """Writes to a running job and locks its row. Returns whether somebody wants it cancelled."""
    statement = _held(held).values(updated_at=now(), **values).returning(Job.cancel_requested)
    unwanted: bool | None = session.execute(statement).scalar_one_or_none()
    if unwanted is None:
        raise LeaseLost
    return unwanted


def _attempts(session: Session, held: Claim) -> int:
    return session.scalars(select(Job.attempts).where(Job.id == held.job_id)).one()


def _finish(session: Session, held: Claim, state: str, **values: Any) -> None:
    moment = now()
    _expect_one(
        session,
        _held(held).values(state=state, lease_expires_at=None, finished_at=moment, updated_at=moment, **values),
    )
    _note(session, held.job_id, state, **{key: values[key] for key in ("error_code", "error") if key in values})


def _requeue(session: Session, held: Claim, *, delay_seconds: float, **values: Any) -> str:
    """Gives a running job back to the queue; one that is to be cancelled ends instead. Returns its new state.

    Without a delay it keeps its place in the queue: it is no fault of its own that it has to be run again.
    """
    if _touch(session, held):
        cancelled(session, held)
        return "cancelled"
    moment = now()
    if delay_seconds > 0:
        values["not_before"] = moment + timedelta(seconds=delay_seconds)
    _expect_one(session, _held(held).values(state="queued", lease_expires_at=None, updated_at=moment, **values))
    _add_doorbell(session, held.job_id, delay_seconds)
    _note(session, held.job_id, "queued", delay_seconds=round(delay_seconds, 3))
    return "queued"


def _family(job_id: str) -> Any:
    """The ids of a job and of every job below it."""
    family = select(Job.id).where(Job.id == job_id).cte("family", recursive=True)
    return family.union_all(select(Job.id).join(family, Job.parent_id == family.c.id))


def _queue_again(session: Session, chosen: Select[Any], states: Collection[str]) -> int:
    moment = now()
    queued = session.execute(
        update(Job)
        .where(Job.id.in_(chosen), Job.state.in_(states))
        .values(
            state="queued",
            attempts=0,
            cancel_requested=False,
            not_before=moment,
            finished_at=None,
            error=None,
            error_code=None,
            updated_at=moment,
        )
        .returning(Job.id, Job.queue)
    ).all()
    if queued:
        rows = [{"job_id": row.id, "queue": row.queue, "publish_at": moment} for row in queued]
        session.execute(insert(Outbox), rows)
    _note_all(session, [row.id for row in queued], "queued", again=True)
    return len(queued)


def _add_doorbell(session: Session, job_id: str, delay_seconds: float = 0.0) -> None:
    queue: ScalarSelect[str] = select(Job.queue).where(Job.id == job_id).scalar_subquery()
    session.execute(
        insert(Outbox).values(job_id=job_id, queue=queue, publish_at=now() + timedelta(seconds=delay_seconds))
    )


def _note_all(session: Session, job_ids: Collection[str], kind: str, **data: Any) -> None:
    if job_ids:
        session.execute(insert(JobEvent), [{"job_id": job_id, "kind": kind, "data": data} for job_id in job_ids])


def _note(session: Session, job_id: str, kind: str, **data: Any) -> None:
    session.add(JobEvent(job_id=job_id, kind=kind, data=data))


def _count(session: Session, statement: Any) -> int:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def _expect_one(session: Session, statement: Any) -> None:
    if _count(session, statement) != 1:
        raise LeaseLost
