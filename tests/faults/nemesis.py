"""What goes wrong, when, and for how long: drawn from a seed, so that a run that loses a job can be run again."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import ClassVar, Protocol

import redis as redis_client
from sqlalchemy import select

from shared.db.engine import SyncSessions
from shared.db.tables import Job
from shared.settings import Settings
from tests.faults.cluster import WORKERS, Cluster, worker_name
from tests.faults.history import History
from tests.support.waiting import until

READY_SECONDS = 90.0


@dataclass(frozen=True)
class Fault:
    """One thing that went wrong. `workers` are those whose jobs it touched; None where it was everybody's."""

    kind: str
    at: datetime
    workers: frozenset[str] | None = None


class Victim(Protocol):
    """What is broken, and looked into afterwards."""

    folder: Path

    @property
    def url(self) -> str: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def sessions(self) -> SyncSessions: ...
    def ready(self) -> bool: ...


@dataclass
class Nemesis:
    """Does one thing after another, all kinds equally often, in an order and at moments that the seed decides."""

    victim: Victim
    seed: int
    faults: list[Fault] = field(default_factory=list)
    deeds: ClassVar[Mapping[str, str]]
    """The name of the method that does it, by the kind of fault."""

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 (a schedule)

    def rage(self, history: History, between: tuple[float, float], calm: Callable[[float], bool]) -> None:
        """Goes on until `calm(seconds)`, which waits, says that it is over. All runs again when it returns.

        Args:
            between: the shortest and longest time between one fault's end and the next, in seconds.
        """
        for kind in self._kinds():
            if calm(self._random.uniform(*between)):
                return
            getattr(self, self.deeds[kind])(kind)
            history.write("fault", kind=kind, workers=sorted(self.faults[-1].workers or ()))
            until(self.victim.ready, seconds=READY_SECONDS, what=f"/readyz after {kind}")
            history.write("ready", after=kind)

    def _kinds(self) -> Iterator[str]:
        while True:
            yield from self._random.sample(list(self.deeds), len(self.deeds))

    def _note(self, kind: str, workers: frozenset[str] | None = None) -> None:
        self.faults.append(Fault(kind, datetime.now(UTC), workers))

    def _down(self) -> None:
        """As long as a supervisor or a boot takes."""
        time.sleep(self._random.uniform(0.2, 2.0))


@dataclass
class ClusterNemesis(Nemesis):
    """Breaks each part of a cluster."""

    victim: Cluster
    pause_seconds: float = field(kw_only=True)
    """How long a worker is stopped at least; longer than a lease."""
    deeds: ClassVar[Mapping[str, str]] = {
        "kill -9 of a child": "kill_child",
        "kill -9 of a worker": "kill_worker",
        "SIGSTOP of a worker": "pause_worker",
        "Redis restart": "restart_redis",
        "Redis FLUSHALL": "flush_redis",
        "Postgres restart": "restart_postgres",
        "kill -9 of Postgres": "kill_postgres",
        "kill -9 of the relay": "kill_relay",
        "kill -9 of the API": "kill_api",
    }

    def _a_child(self) -> int:
        """One that runs a job just now, where there is one within a second: an idle one has nothing to lose."""
        pools = [pid for name in WORKERS for pid in self.victim.pool(name)]
        names = {worker_name(pid): pid for pid in pools}
        busy = select(Job.worker).where(Job.state == "running", Job.worker.in_(names)).order_by(Job.started_at.desc())
        give_up = time.monotonic() + 1.0
        while time.monotonic() < give_up:
            with self.victim.sessions() as session:
                if worker := session.scalar(busy.limit(1)):
                    return names[worker]
        return self._random.choice(pools)

    def _a_worker(self) -> tuple[str, frozenset[str]]:
        child = self._a_child()
        name = next(name for name in WORKERS if child in self.victim.pool(name))
        return name, frozenset(worker_name(pid) for pid in self.victim.pool(name))

    def _down(self) -> None:
        """As long as a supervisor or a boot takes."""
        time.sleep(self._random.uniform(0.2, 2.0))

    def kill_child(self, kind: str) -> None:
        pid = self._a_child()
        self._note(kind, frozenset({worker_name(pid)}))
        with suppress(ProcessLookupError):  # it may have come to its scheduled end
            os.kill(pid, signal.SIGKILL)

    def kill_worker(self, kind: str) -> None:
        name, workers = self._a_worker()
        self._note(kind, workers)
        self._restart(name)

    def pause_worker(self, kind: str) -> None:
        name, workers = self._a_worker()
        self._note(kind, workers)
        self.victim.pause(name)
        time.sleep(self.pause_seconds * self._random.uniform(1.0, 1.5))
        self.victim.resume(name)

    def restart_redis(self, kind: str) -> None:
        self._note(kind)
        self.victim.redis.stop()
        self._down()
        self.victim.redis.start()

    def flush_redis(self, kind: str) -> None:
        self._note(kind)
        with redis_client.Redis.from_url(self.victim.redis.url) as client:
            client.flushall()

    def restart_postgres(self, kind: str) -> None:
        self._note(kind)
        self.victim.postgres.stop()
        self._down()
        self.victim.postgres.start()

    def kill_postgres(self, kind: str) -> None:
        self._note(kind)
        self.victim.postgres.kill()
        self._down()
        self.victim.postgres.start()

    def kill_relay(self, kind: str) -> None:
        self._note(kind)
        self._restart("relay")

    def kill_api(self, kind: str) -> None:
        self._note(kind)
        self._restart("api")

    def _restart(self, name: str) -> None:
        self.victim.kill(name)
        self._down()
        self.victim.start(name)
