"""An analysis of the embedded stack, while what hears is killed, and all of it at once."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.inference.analyses.parts import HEAR
from shared.db.tables import Job
from tests.faults.embedded import Embedded, running_embedded
from tests.support.sounds import write_folder
from tests.support.waiting import until

RECORDINGS = 120


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Embedded]:
    with running_embedded(tmp_path, lease_seconds=3.0) as made:
        yield made


def heard(embedded: Embedded, here: str) -> int:
    try:
        counts = embedded.stack.get(here)["counts"]
    except httpx.HTTPError:
        return 0
    return int(counts["recordings"] - counts["waiting"]) if counts["recordings"] else 0


def kill_who_hears(embedded: Embedded) -> None:
    """kill -9 of the processes that hold its parts now."""
    with embedded.sessions() as session:
        workers = session.scalars(select(Job.worker).where(Job.kind == HEAR, Job.state == "running")).all()
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(int(str(worker).rpartition(":")[2]), signal.SIGKILL)


def test_killed_workers_and_a_power_cut_lose_no_recording_and_hear_none_twice(
    embedded: Embedded, tmp_path: Path
) -> None:
    write_folder(tmp_path / "season", per_species=RECORDINGS // 2, seconds=20.0)
    source = {"source": "folder", "path": str(tmp_path / "season")}
    here = embedded.stack.send("POST", "/analyses", json=source).headers["location"]
    for share in (0.1, 0.3):
        until(lambda share=share: heard(embedded, here) >= share * RECORDINGS, seconds=120, what="some results")
        kill_who_hears(embedded)
    until(lambda: heard(embedded, here) >= 0.5 * RECORDINGS, seconds=120, what="half of the results")
    embedded.stack.kill_everything()
    embedded.stack.start()
    done = embedded.stack.ended(here)
    assert (done["state"], done["counts"]["failed"], done["counts"]["waiting"]) == ("succeeded", 0, 0), done
    lines = embedded.stack.send("GET", f"{here}?format=jsonl").text.splitlines()
    results: list[Any] = [json.loads(line) for line in lines[1:]]
    assert len(results) == len({one["file"] for one in results}) == RECORDINGS
    assert [one["file"] for one in results] == sorted(one["file"] for one in results)
