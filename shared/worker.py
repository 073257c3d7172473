"""Running jobs: a worker that is rung claims the most urgent job, keeps its lease, and writes its end exactly once.

A service describes its worker as a `Worker`: a queue, a pool and one handler per kind of job. A handler gets a
`JobContext` and either writes its results inside `ctx.completion()`, in the transaction that ends the job, or simply
returns. What it raises decides what becomes of the job (see `_settle`).
"""

import errno
import multiprocessing
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing.synchronize import Event
from threading import Event as ThreadEvent
from threading import Thread
from typing import Any, Literal

import structlog
from celery import Celery, bootsteps, signals
from celery.platforms import SecurityWarning
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared import alive, jobs
from shared.db.engine import SyncSessions, sync_engine, sync_sessions
from shared.errors import ChiffchaffError, TransientError
from shared.log import configure_logging, get_logger
from shared.queue import celery_app
from shared.settings import Settings
from shared.storage import Storage, storage_from

logger = get_logger(__name__)

PROGRESS_SECONDS = 0.5
CHECK_SECONDS = 0.5
BEAT_SECONDS = 10.0


class Interrupted(Exception):
    """The worker is told to stop; the job goes back to the queue and goes on later."""


class Postponed(Exception):
    """The job cannot go on now (no room on the disk, say); it goes back to the queue for a while, with the reason.

    Args:
        reason: what it waits for, for a person to read.
    """

    def __init__(self, reason: str, *, seconds: float = 30.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


class UnexpectedError(TransientError):
    """A failure nobody foresaw. It is tried again, since it may be the machine's and not the input's."""

    code = "unexpected-error"
    title = "An unexpected failure"


class JobContext:
    """What a handler may do with the job it runs."""

    def __init__(self, runtime: "Runtime", claim: jobs.Claim) -> None:
        self.claim = claim
        self.payload = claim.payload
        self.settings = runtime.settings
        self.storage = runtime.storage
        self.sessions = runtime.sessions
        self.ended = False
        self._stopping = runtime.stopping
        self._standing = jobs.Standing.HELD
        self._next_progress = 0.0

    def check(self) -> None:
        """Call it between steps, at least once a second.

        Raises:
            Interrupted, CancelRequested, LeaseLost: when the handler should give up now.
        """
        if self._standing is jobs.Standing.LOST:
            raise jobs.LeaseLost
        if self._standing is jobs.Standing.CANCELLED:
            raise jobs.CancelRequested
        if self._stopping.is_set():
            raise Interrupted

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Notes how far the job is, at most twice a second but always at the end; checks as well."""
        self.check()
        moment = time.monotonic()
        if moment < self._next_progress and done != total:
            return
        self._next_progress = moment + PROGRESS_SECONDS
        with self.sessions.begin() as session:
            jobs.progress(session, self.claim, done, total, message)

    def wait(self, seconds: float, message: str) -> None:
        """Waits while keeping the job, and says for what; a stop or a cancellation ends it at once.

        Raises:
            Interrupted, CancelRequested, LeaseLost: when the handler should give up now.
        """
        with self.sessions.begin() as session:
            jobs.say(session, self.claim, message)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            self._stopping.wait(min(left, CHECK_SECONDS))
        self.check()

    def note(self, kind: str, data: dict[str, Any]) -> None:
        """Appends an event for those who watch the job."""
        with self.sessions.begin() as session:
            jobs.note(session, self.claim, kind, data)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction that commits only while the job is still this worker's."""
        with self.sessions.begin() as session:
            yield session
            jobs.confirm(session, self.claim)

    @contextmanager
    def completion(self, result: dict[str, Any] | None = None) -> Iterator[Session]:
        """The transaction that writes the job's results and ends it: both or neither."""
        with self.sessions.begin() as session:
            yield session
            jobs.succeed(session, self.claim, result)
        self.ended = True

    def renew(self) -> jobs.Standing:
        with self.sessions.begin() as session:
            self._standing = jobs.renew(session, self.claim, lease_seconds=self.settings.lease_seconds)
        return self._standing


Handler = Callable[[JobContext], None]


@dataclass(frozen=True)
class Worker:
    """One service's worker. Handlers are named `queue.verb`, as their Celery tasks."""

    queue: str
    handlers: Mapping[str, Handler]
    pool: Literal["prefork", "solo"] = "prefork"


@dataclass
class Runtime:
    """What the processes of one worker have. The engine is made after the fork, once per process."""

    settings: Settings
    stopping: Event = field(default_factory=lambda: multiprocessing.get_context("fork").Event())
    """Made before the fork, so that a stop reaches every child."""

    @cached_property
    def engine(self) -> Engine:
        return sync_engine(self.settings)

    @cached_property
    def sessions(self) -> SyncSessions:
        return sync_sessions(self.engine)

    @cached_property
    def storage(self) -> Storage:
        return storage_from(self.settings)

    def answer(self, worker: Worker) -> None:
        """Claims and runs the most urgent job of the queue. What the handler raises becomes the job's state."""
        name = f"{platform.node()}:{os.getpid()}"
        try:
            with self.sessions.begin() as session:
                claim = jobs.claim(session, worker.queue, worker=name, lease_seconds=self.settings.lease_seconds)
        except DBAPIError as error:
            logger.warning("could not claim; the relay rings again", reason=str(error).splitlines()[0])
            return
        if claim is None:
            logger.debug("nothing to claim", queue=worker.queue)
            return
        with structlog.contextvars.bound_contextvars(job_id=claim.job_id, kind=claim.kind, attempt=claim.attempts):
            context = JobContext(self, claim)
            with _lease_kept(context):
                self._run_claimed(worker.handlers.get(claim.kind, _unknown), context)

    def _run_claimed(self, handler: Handler, context: JobContext) -> None:
        try:
            handler(context)
            if not context.ended:
                with context.completion():
                    pass
        except jobs.LeaseLost:
            logger.warning("another worker has the job now; nothing was written")
        except Exception as error:
            cause = error
            self._persist(lambda session: _settle(session, context.claim, cause))
        else:
            logger.info("job done")

    def _persist(self, write: Callable[[Session], None]) -> None:
        """Writes the job's end though the database may be restarting; past the lease the reaper does it."""
        give_up = time.monotonic() + self.settings.lease_seconds
        while True:
            try:
                with self.sessions.begin() as session:
                    write(session)
                return
            except jobs.LeaseLost:
                logger.warning("another worker has the job now; nothing was written")
                return
            except DBAPIError as error:
                if time.monotonic() > give_up:
                    logger.error("could not write the job's end; the reaper will", reason=str(error))
                    return
                time.sleep(1.0)


def _unknown(context: JobContext) -> None:
    raise Postponed(f"Waits for a worker that knows {context.claim.kind}; is this one of an older version?")


def _settle(session: Session, claim: jobs.Claim, error: Exception) -> None:
    match error:
        case Postponed():
            logger.info("job postponed", reason=error.reason)
            jobs.postpone(session, claim, error.reason, delay_seconds=error.seconds)
        case OSError() if error.errno in (errno.ENOSPC, errno.EDQUOT):
            logger.warning("job postponed: the disk is full")
            jobs.postpone(session, claim, "Waits: the disk is full. Make room, and it goes on.", delay_seconds=60)
        case DBAPIError() if error.connection_invalidated:
            logger.warning("job postponed: the database went away", reason=str(error).splitlines()[0])
            jobs.postpone(session, claim, "", delay_seconds=1)
        case Interrupted():
            logger.info("job interrupted; it goes on later")
            jobs.interrupt(session, claim)
        case jobs.CancelRequested():
            logger.info("job cancelled")
            jobs.cancelled(session, claim)
        case TransientError():
            logger.warning("job failed for now", error=str(error))
            jobs.retry_or_bury(session, claim, error)
        case ChiffchaffError():
            logger.warning("job failed", error=str(error))
            jobs.fail(session, claim, error)
        case _:
            logger.error("job failed unexpectedly", exc_info=error)
            jobs.retry_or_bury(session, claim, UnexpectedError(f"{type(error).__name__}: {error}"))


@contextmanager
def _lease_kept(context: JobContext) -> Iterator[None]:
    """Renews the lease from a thread of its own for as long as the handler runs."""
    done = ThreadEvent()

    def keep() -> None:
        while not done.wait(context.settings.lease_seconds / 3):
            try:
                if context.renew() is jobs.Standing.LOST:
                    return
            except DBAPIError as error:
                logger.warning("could not renew the lease", reason=str(error).splitlines()[0])

    thread = Thread(target=keep, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def run_worker(settings: Settings, name: str, workers: Sequence[Worker], *, concurrency: int) -> None:
    """Serves the queues of the given workers until SIGTERM. Returns after running jobs ended or were given back."""
    configure_logging(settings)
    runtime = Runtime(settings)
    app = celery_app(settings, name)
    for worker in workers:
        for kind in worker.handlers:
            _register(app, runtime, kind, worker)
    pools = {worker.pool for worker in workers}
    if len(pools) != 1:
        raise ValueError("workers that share a process share one pool")
    app.steps["worker"].add(_beating(name))
    signals.worker_shutting_down.connect(lambda **_: runtime.stopping.set(), weak=False)
    # Celery warns of root; a container runs as nobody, and at home the user is who started it.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    app.worker_main(
        [
            "--quiet",
            "worker",
            f"--hostname={name}@%h",
            f"--pool={pools.pop()}",
            f"--concurrency={concurrency}",
            f"--queues={','.join(worker.queue for worker in workers)}",
            "--without-mingle",
            "--without-gossip",
            "--without-heartbeat",
            "--loglevel=WARNING",
        ]
    )


def _register(app: Celery, runtime: Runtime, kind: str, worker: Worker) -> None:
    @app.task(name=kind)  # type: ignore[untyped-decorator] # celery has no types
    def task(_job_id: str) -> None:
        runtime.answer(worker)


def _beating(name: str) -> type[bootsteps.StartStopStep]:
    """A worker step that touches the health-check file for as long as the main process lives."""

    class Beating(bootsteps.StartStopStep):  # type: ignore[misc] # celery has no types
        def start(self, _parent: object) -> None:
            path = alive.beat_file(name)

            def keep() -> None:
                while True:
                    alive.beat(path)
                    time.sleep(BEAT_SECONDS)

            Thread(target=keep, name="beat", daemon=True).start()
            logger.info("worker ready", worker=name)

    return Beating
