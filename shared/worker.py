"""Running jobs: a worker claims a job by its id, keeps its lease, and writes its end exactly once.

A service describes its worker as a `Worker`: a queue, a pool and one handler per kind of job. A handler gets a
`JobContext` and either writes its results inside `ctx.completion()`, in the transaction that ends the job, or simply
returns. What it raises decides what becomes of the job (see `_settle`).
"""

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
from shared.storage import FileStorage, storage_from

logger = get_logger(__name__)

PROGRESS_SECONDS = 0.5
BEAT_SECONDS = 10.0


class Interrupted(Exception):
    """The worker is told to stop; the job goes back to the queue and goes on later."""


class CancelRequested(Exception):
    """Somebody cancelled the job while it ran."""


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
            raise CancelRequested
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
    def storage(self) -> FileStorage:
        return storage_from(self.settings)

    def run(self, handler: Handler, job_id: str) -> None:
        """Claims and runs one job. Never raises: whatever happens becomes the job's state."""
        worker = f"{platform.node()}:{os.getpid()}"
        with self.sessions.begin() as session:
            claim = jobs.claim(session, job_id, worker=worker, lease_seconds=self.settings.lease_seconds)
        if claim is None:
            logger.debug("nothing to claim", job_id=job_id)
            return
        with structlog.contextvars.bound_contextvars(job_id=job_id, kind=claim.kind, attempt=claim.attempts):
            context = JobContext(self, claim)
            with _lease_kept(context):
                self._run_claimed(handler, context)

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


def _settle(session: Session, claim: jobs.Claim, error: Exception) -> None:
    match error:
        case Interrupted():
            logger.info("job interrupted; it goes on later")
            jobs.interrupt(session, claim)
        case CancelRequested():
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
        for kind, handler in worker.handlers.items():
            _register(app, runtime, kind, handler)
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


def _register(app: Celery, runtime: Runtime, kind: str, handler: Handler) -> None:
    @app.task(name=kind)  # type: ignore[untyped-decorator] # celery has no types
    def task(job_id: str) -> None:
        runtime.run(handler, job_id)


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
