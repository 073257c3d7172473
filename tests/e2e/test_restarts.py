"""The embedded stack is stopped, killed and started again: no job is lost, no process is left, no result doubled."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sounds import SPECIES, write_folder
from tests.support.stack import Stack, running
from tests.support.waiting import until

RECORDINGS = 40


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack that the test may break."""
    with running(tmp_path, {"CHIFFCHAFF_WORKER_CONCURRENCY": "1"}) as made:
        yield made


def begin_ingestion(stack: Stack, folder: Path) -> str:
    """Starts an ingestion and waits until it is in the middle."""
    write_folder(folder, per_species=RECORDINGS // 2, seconds=20.0)
    location = stack.send("POST", "/ingestions", json={"source": "folder", "path": str(folder)}).headers["location"]
    until(lambda: stack.get(location)["counts"]["prepared"] >= 2, what="the first prepared recordings")
    return str(location)


def assert_whole(stack: Stack, location: str) -> None:
    done = stack.ended(location)
    assert done["state"] == "succeeded", done
    assert done["counts"]["prepared"] == RECORDINGS
    listed = stack.get("/recordings", limit=500)["items"]
    assert len(listed) == RECORDINGS == len({one["sha256"] for one in listed})
    for one in listed:
        slices = [cut["start"] for cut in stack.get(f"/recordings/{one['id']}")["slices"]]
        assert slices
        assert len(slices) == len(set(slices)), "nothing is stored twice"


def test_ctrl_c_stops_every_child_and_the_jobs_go_on_at_the_next_start(own_stack: Stack, tmp_path: Path) -> None:
    location = begin_ingestion(own_stack, tmp_path / "library")
    assert own_stack.interrupt() == 0
    assert own_stack.processes() == []
    own_stack.start()
    assert_whole(own_stack, location)


def test_a_power_cut_in_the_middle_loses_nothing(own_stack: Stack, tmp_path: Path) -> None:
    location = begin_ingestion(own_stack, tmp_path / "library")
    own_stack.kill_everything()
    assert own_stack.processes() == []
    own_stack.start()
    assert_whole(own_stack, location)


def test_children_end_when_only_the_supervisor_is_killed(own_stack: Stack) -> None:
    assert own_stack.process is not None
    assert own_stack.processes()
    own_stack.process.kill()
    own_stack.process.wait()
    until(lambda: own_stack.processes() == [], seconds=60, what="the end of all children")


def test_a_killed_part_is_started_anew(own_stack: Stack, tmp_path: Path) -> None:
    location = begin_ingestion(own_stack, tmp_path / "library")
    for pid in own_stack.processes():
        subprocess.run(["kill", "-9", str(pid)], check=False)
    until(own_stack.is_ready, seconds=90, what="the return of the stack")
    assert_whole(own_stack, location)


def test_a_training_goes_on_after_its_last_epoch(own_stack: Stack, tmp_path: Path) -> None:
    write_folder(tmp_path / "library", per_species=4)
    own_stack.ingest(tmp_path / "library")
    config = {"epochs": 6, "folds": 0, "batch_size": 4, "crops_per_recording": 1, "min_batches": 6}
    wanted = {"name": "patient", "dataset": {"species": list(SPECIES)}, "config": config}
    location = own_stack.send("POST", "/trainings", json=wanted).headers["location"]
    until(lambda: len(own_stack.get(location)["epochs"]) >= 2, seconds=200, what="the second epoch")
    own_stack.kill_everything()
    own_stack.start()
    done = own_stack.ended(location)
    assert done["state"] == "succeeded", done["job"]["error"]
    assert [one["epoch"] for one in done["epochs"]] == [1, 2, 3, 4, 5, 6], "no epoch was trained twice or left out"


def test_a_second_stack_on_the_same_data_or_port_is_refused_in_a_sentence(own_stack: Stack, tmp_path: Path) -> None:
    def refused(**settings: str) -> str:
        command = [str(Path(sys.executable).parent / "chiffchaff"), "serve"]
        done = subprocess.run(
            command, env={**own_stack.environment, **settings}, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return " ".join(done.stderr.split())

    assert "Another Chiffchaff is running" in refused()
    assert "CHIFFCHAFF_PORT" in refused(CHIFFCHAFF_DATA_DIR=str(tmp_path / "other"))
