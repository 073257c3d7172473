"""`make bench-jobs`: how many jobs a second are queued and done, and how soon an idle worker starts one.

The jobs do nothing, so that the figures are those of the queue: rows, doorbells, claims and ends. Both ways of running
are measured: PostgreSQL with Redis, as under Compose, and SQLite with the queue in a folder, as the embedded stack.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

from sqlalchemy import func, select

from bench.results import write_results
from shared import jobs
from shared.db.engine import SyncSessions, sync_engine, sync_sessions
from shared.db.migrate import migrate
from shared.db.tables import FINAL_STATES, Job
from shared.queue import declare_queues
from shared.settings import Settings
from shared.worker import JobContext, Worker, run_worker
from tests.support.servers import Postgres, Redis
from tests.support.waiting import until

KIND = "preprocess.nothing"
PROCESSES = 2


def nothing(context: JobContext) -> None:
    """A job that does nothing."""


def worker() -> None:
    run_worker(Settings(), "bench", [Worker(queue="preprocess", handlers={KIND: nothing})], concurrency=PROCESSES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        worker()
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and so end every process that it started
    print(f"{'':32}{'PostgreSQL + Redis':>20}{'SQLite + folder':>20}")
    with servers() as environment:
        compose = measure(environment, asked.jobs)
    with tempfile.TemporaryDirectory(prefix="chiffchaff-jobs-") as folder:
        embedded = measure({"CHIFFCHAFF_DATA_DIR": folder}, asked.jobs)
    for name in compose:
        print(f"{name:32}{compose[name]:20,.1f}{embedded[name]:20,.1f}")
    print(f"Written to {write_results('jobs', {'postgresql_redis': compose, 'sqlite_folder': embedded})}")


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """The environment of services over PostgreSQL and Redis servers of its own."""
    with tempfile.TemporaryDirectory(prefix="chiffchaff-postgres-") as data, tempfile.TemporaryDirectory() as folder:
        postgres, redis = Postgres(Path(data)), Redis(Path(folder))
        postgres.start()
        redis.start()
        try:
            yield {
                "CHIFFCHAFF_DATA_DIR": folder,
                "CHIFFCHAFF_DATABASE_URL": postgres.url(),
                "CHIFFCHAFF_BROKER_URL": redis.url,
            }
        finally:
            redis.stop()
            postgres.stop()


def measure(environment: dict[str, str], count: int) -> dict[str, float]:
    fields = {key.removeprefix("CHIFFCHAFF_").lower(): value for key, value in environment.items()}
    settings = Settings.model_validate(fields)
    engine = sync_engine(settings)
    migrate(engine)
    declare_queues(settings)
    sessions = sync_sessions(engine)
    try:
        figures = {
            "queued/s, one client": rate(count, lambda: submit_many(sessions, count)),
            "queued/s, four clients": rate(count, lambda: submit_from_four(sessions, count)),
            "queued/s, 100 a transaction": rate(count, lambda: submit_in_hundreds(sessions, count)),
        }
        with services(environment):
            figures["done/s, two processes"] = drain(sessions)
            waits = [wait_ms for _ in range(200) for wait_ms in start_one(sessions)]
        cuts = quantiles(waits, n=100, method="inclusive")
        return {**figures, "start when idle, ms, p50": cuts[49], "start when idle, ms, p99": cuts[98]}
    finally:
        engine.dispose()


def rate(count: int, work: Any) -> float:
    begin = time.perf_counter()
    work()
    return count / (time.perf_counter() - begin)


def submit(sessions: SyncSessions, count: int) -> str:
    """Some jobs in one transaction; the id of the last."""
    with sessions.begin() as session:
        return [jobs.submit(session, KIND, {}, max_attempts=1).id for _ in range(count)][-1]


def submit_many(sessions: SyncSessions, count: int) -> None:
    for _ in range(count):
        submit(sessions, 1)


def submit_from_four(sessions: SyncSessions, count: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: submit_many(sessions, count // 4), range(4)))


def submit_in_hundreds(sessions: SyncSessions, count: int) -> None:
    for _ in range(count // 100):
        submit(sessions, 100)


@contextmanager
def services(environment: dict[str, str]) -> Iterator[None]:
    """A relay and a worker, each a process of its own."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CHIFFCHAFF_")}
    commands = [["-m", "shared.relay"], ["-m", "bench.jobs", "--worker"]]
    running = []
    for arguments in commands:
        command = [sys.executable, *arguments]
        running.append(
            subprocess.Popen(
                command, env={**inherited, **environment}, start_new_session=True, stderr=subprocess.DEVNULL
            )
        )
    try:
        yield
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(30)


def drain(sessions: SyncSessions) -> float:
    """Jobs a second from the first start to the last end; all of them waited when the worker came."""
    unfinished = select(func.count()).select_from(Job).where(Job.state.not_in(FINAL_STATES))

    def done() -> bool:
        with sessions() as session:
            return session.scalar(unfinished) == 0

    until(done, seconds=600, what="the end of all jobs")
    with sessions() as session:
        span = func.min(Job.started_at), func.max(Job.finished_at)
        count, first, last = session.execute(select(func.count(), *span)).one()
    assert first is not None
    assert last is not None
    return float(count / (last - first).total_seconds())


def start_one(sessions: SyncSessions) -> list[float]:
    """Milliseconds from the row of a job to its start, with nothing else to do."""
    job_id = submit(sessions, 1)

    def ended() -> list[float]:
        with sessions() as session:
            job = jobs.get(session, job_id)
            if job.state not in FINAL_STATES or job.started_at is None:
                return []
            return [1000 * (job.started_at - job.created_at).total_seconds()]

    return until(ended, what="the end of one job")


if __name__ == "__main__":
    main()
