"""An import of a folder over real PostgreSQL and Redis, while parts of the cluster are killed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis as redis_client

from tests.faults.cluster import WORKERS, Cluster, running_cluster
from tests.support.sounds import write_folder
from tests.support.waiting import until

RECORDINGS = 30


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path / "cluster", lease_seconds=3.0, republish_seconds=3.0) as made:
        yield made


@pytest.fixture
def library(tmp_path: Path) -> Path:
    write_folder(tmp_path / "library", per_species=RECORDINGS // 2, seconds=15.0)
    return tmp_path / "library"


def send(cluster: Cluster, folder: Path) -> httpx.Response:
    return httpx.post(f"{cluster.url}/ingestions", json={"source": "folder", "path": str(folder)}, timeout=30)


def ingest(cluster: Cluster, folder: Path) -> str:
    response = send(cluster, folder)
    assert response.status_code == 202, response.text
    return response.headers["location"]


def assert_whole(cluster: Cluster, location: str) -> None:
    def ended() -> Any:
        try:
            seen = cluster.get(location)
        except httpx.HTTPError:
            return None
        return None if seen["state"] in ("queued", "running") else seen

    done = until(ended, seconds=200, what="the end of the ingestion")
    assert done["state"] == "succeeded", done
    assert done["counts"]["prepared"] == RECORDINGS
    recordings = cluster.get("/recordings?limit=500")["items"]
    assert len(recordings) == RECORDINGS
    for one in recordings:
        starts = [cut["start"] for cut in cluster.get(f"/recordings/{one['id']}")["slices"]]
        assert starts
        assert len(starts) == len(set(starts)), "no result is there twice"


def test_killed_workers_a_wiped_queue_and_a_restarted_database_lose_nothing(cluster: Cluster, library: Path) -> None:
    location = ingest(cluster, library)
    until(lambda: cluster.get(location)["counts"]["prepared"] >= 2, what="the first prepared recordings")
    for name in (*WORKERS, "relay", "ingest"):
        cluster.kill(name)
        cluster.start(name)
    with redis_client.Redis.from_url(cluster.redis.url) as client:
        client.flushall()
    cluster.postgres.stop()
    cluster.postgres.start()
    assert_whole(cluster, location)


def test_nothing_is_accepted_that_the_database_does_not_hold(cluster: Cluster, library: Path) -> None:
    cluster.postgres.kill()
    response = send(cluster, library)
    assert response.status_code == 503, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert not httpx.get(f"{cluster.url}/readyz", timeout=30).is_success
    cluster.postgres.start()
    until(cluster.ready, seconds=60, what="/readyz after the restart")
    assert_whole(cluster, ingest(cluster, library))
