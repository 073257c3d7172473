"""What Compose runs, without the containers: each service a process of its own over real PostgreSQL and Redis."""

import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from shared.db.engine import SyncSessions, sync_engine, sync_sessions
from shared.settings import Settings
from tests.support.servers import Postgres, Redis, free_port
from tests.support.waiting import until

WORKERS = ("preprocess-1", "preprocess-2")
"""Two, so that work goes on while one of them is stopped or dead."""
MODULES = {
    "relay": "shared.relay",
    "ingest": "services.ingest.tasks",
    "preprocess-1": "services.preprocess.tasks",
    "preprocess-2": "services.preprocess.tasks",
}


@dataclass
class Cluster:
    """Every process leads a session of its own, so that a kill reaches its children too."""

    folder: Path
    postgres: Postgres
    redis: Redis
    lease_seconds: float
    republish_seconds: float
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        return Settings.model_validate(
            {"data_dir": self.folder / "data", "database_url": self.postgres.url(), "storage_url": self._storage_url}
        )

    @cached_property
    def sessions(self) -> SyncSessions:
        return sync_sessions(sync_engine(self.settings))

    @property
    def _storage_url(self) -> str:
        return f"file://{self.folder}/storage"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("CHIFFCHAFF_")},
            "CHIFFCHAFF_DATA_DIR": str(self.folder / "data"),
            "CHIFFCHAFF_DATABASE_URL": self.postgres.url(),
            "CHIFFCHAFF_BROKER_URL": self.redis.url,
            "CHIFFCHAFF_STORAGE_URL": self._storage_url,
            "CHIFFCHAFF_LEASE_SECONDS": str(self.lease_seconds),
            "CHIFFCHAFF_REPUBLISH_SECONDS": str(self.republish_seconds),
            "CHIFFCHAFF_WORKER_CONCURRENCY": "2",
            "CHIFFCHAFF_MIN_FREE_DISK_MB": "0",
        }

    def start(self, name: str) -> None:
        arguments = ["-m", MODULES[name]] if name in MODULES else self._api_arguments
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments], env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def _api_arguments(self) -> list[str]:
        return ["-m", "uvicorn", "--factory", "services.ingest.api:create_app", "--port", str(self.port)]

    def kill(self, name: str) -> None:
        """kill -9 of the service with all its children."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def pause(self, name: str) -> None:
        os.killpg(self.processes[name].pid, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        os.killpg(self.processes[name].pid, signal.SIGCONT)

    def pool(self, name: str) -> list[int]:
        """The processes that run a worker's jobs."""
        main = self.processes[name].pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text(encoding="ascii").split()
        return [int(pid) for pid in children if _command_line(int(pid)) == _command_line(main)]

    def start_all(self) -> None:
        (self.folder / "storage").mkdir()
        subprocess.run([sys.executable, "-m", "shared.db.migrate"], env=self.environment, check=True)
        for name in ("api", *MODULES):
            self.start(name)
        until(self.ready, seconds=90, what="/readyz")

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).is_success
        except httpx.TransportError:
            return False

    def stop_all(self) -> None:
        for name, process in self.processes.items():
            if process.poll() is None:
                self.resume(name)
                process.terminate()
        for name, process in self.processes.items():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill(name)

    def get(self, path: str) -> Any:
        response = httpx.get(f"{self.url}{path}", timeout=30)
        response.raise_for_status()
        return response.json()


def worker_name(pid: int) -> str:
    """As a job's row names the process that runs it."""
    return f"{platform.node()}:{pid}"


def _command_line(pid: int) -> bytes:
    """Of a living process; a fork has its parent's, a decoder or a tracker one of its own."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


@contextmanager
def running_cluster(folder: Path, *, lease_seconds: float, republish_seconds: float) -> Iterator[Cluster]:
    """A cluster of its own, with servers of its own; all of it ends with the block, however that ends."""
    with tempfile.TemporaryDirectory(prefix="chiffchaff-postgres-") as postgres_folder:
        (folder / "redis").mkdir(parents=True)
        servers = Postgres(Path(postgres_folder)), Redis(folder / "redis")
        made = Cluster(folder, *servers, lease_seconds, republish_seconds)
        try:
            made.postgres.start()
            made.redis.start()
            made.start_all()
            yield made
        finally:
            made.sessions.kw["bind"].dispose()
            made.stop_all()
            made.redis.stop()
            made.postgres.stop()
