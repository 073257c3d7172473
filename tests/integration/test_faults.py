"""The services as separate processes over real PostgreSQL and Redis, while parts of it are killed."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis as redis_client

from tests.support.servers import Postgres, Redis, free_port
from tests.support.sounds import write_folder
from tests.support.waiting import until

RECORDINGS = 30
MODULES = {
    "relay": ["-m", "shared.relay"],
    "ingest": ["-m", "services.ingest.tasks"],
    "preprocess": ["-m", "services.preprocess.tasks"],
}


@dataclass
class Cluster:
    """What Compose runs, without the containers: each service a process of its own."""

    folder: Path
    postgres: Postgres
    redis: Redis
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CHIFFCHAFF_DATA_DIR": str(self.folder / "data"),
            "CHIFFCHAFF_DATABASE_URL": self.postgres.url(),
            "CHIFFCHAFF_BROKER_URL": self.redis.url,
            "CHIFFCHAFF_STORAGE_URL": f"file://{self.folder}/storage",
            "CHIFFCHAFF_LEASE_SECONDS": "3",
            "CHIFFCHAFF_REPUBLISH_SECONDS": "3",
            "CHIFFCHAFF_WORKER_CONCURRENCY": "2",
        }

    def run(self, name: str, arguments: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments], env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def start(self, name: str) -> None:
        self.run(name, MODULES[name])

    def kill(self, name: str) -> None:
        """kill -9 of the service with all its children."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def start_all(self) -> None:
        (self.folder / "storage").mkdir()
        subprocess.run([sys.executable, "-m", "shared.db.migrate"], env=self.environment, check=True)
        factory = ["--factory", "services.ingest.api:create_app", "--port", str(self.port)]
        self.run("api", ["-m", "uvicorn", *factory])
        for name in MODULES:
            self.start(name)
        until(self.ready, seconds=90, what="/readyz")

    def ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).is_success
        except httpx.TransportError:
            return False

    def stop_all(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for name, process in self.processes.items():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill(name)

    def get(self, path: str) -> Any:
        response = httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=30)
        response.raise_for_status()
        return response.json()

    def ingest(self, folder: Path) -> str:
        body = {"source": "folder", "path": str(folder)}
        response = httpx.post(f"http://127.0.0.1:{self.port}/ingestions", json=body, timeout=30)
        assert response.status_code == 202, response.text
        return response.headers["location"]

    def prepared(self, location: str) -> int:
        return int(self.get(location)["counts"]["prepared"])

    def assert_whole(self, location: str) -> None:
        def ended() -> Any:
            try:
                seen = self.get(location)
            except httpx.HTTPError:
                return None
            return None if seen["state"] in ("queued", "running") else seen

        done = until(ended, seconds=200, what="the end of the ingestion")
        assert done["state"] == "succeeded", done
        assert done["counts"]["prepared"] == RECORDINGS
        recordings = self.get("/recordings?limit=500")["items"]
        assert len(recordings) == RECORDINGS
        for one in recordings:
            starts = [cut["start"] for cut in self.get(f"/recordings/{one['id']}")["slices"]]
            assert starts
            assert len(starts) == len(set(starts)), "no result is there twice"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="chiffchaff-postgres-") as postgres_folder:
        (tmp_path / "redis").mkdir()
        made = Cluster(tmp_path, Postgres(Path(postgres_folder)), Redis(tmp_path / "redis"))
        made.postgres.start()
        made.redis.start()
        made.start_all()
        yield made
        made.stop_all()
        made.redis.stop()
        made.postgres.stop()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    write_folder(tmp_path / "library", per_species=RECORDINGS // 2, seconds=15.0)
    return tmp_path / "library"


def test_killed_workers_a_wiped_queue_and_a_restarted_database_lose_nothing(cluster: Cluster, library: Path) -> None:
    location = cluster.ingest(library)
    until(lambda: cluster.prepared(location) >= 2, what="the first prepared recordings")

    cluster.kill("preprocess")
    cluster.start("preprocess")
    with redis_client.Redis.from_url(cluster.redis.url) as client:
        client.flushall()
    cluster.kill("relay")
    cluster.start("relay")
    cluster.kill("ingest")
    cluster.start("ingest")
    cluster.postgres.stop()
    cluster.postgres.start()

    cluster.assert_whole(location)


def test_nothing_is_accepted_that_the_database_does_not_hold(cluster: Cluster, library: Path) -> None:
    cluster.postgres.kill()
    response = httpx.post(
        f"http://127.0.0.1:{cluster.port}/ingestions", json={"source": "folder", "path": str(library)}, timeout=30
    )
    assert response.status_code == 503, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert not httpx.get(f"http://127.0.0.1:{cluster.port}/readyz", timeout=30).is_success
    cluster.postgres.start()
    until(cluster.ready, seconds=60, what="/readyz after the restart")
    cluster.assert_whole(cluster.ingest(library))
