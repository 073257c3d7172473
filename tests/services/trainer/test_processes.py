"""Several processes that share one training: the same figures, one set of files, and an end with everyone's end."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from services.trainer.fit import Order, Report, ShouldStop
from services.trainer.frozen_dataset import Dataset
from services.trainer.models import wren
from services.trainer.processes import ProcessLost, in_processes
from services.trainer.progress import Progress
from services.trainer.publish import TrainedModel
from services.trainer.train import carry_out
from services.trainer.world import World
from shared.errors import InvalidInput
from shared.model_file import read_manifest
from tests.services.trainer.conftest import small_config
from tests.support.waiting import until

Garden = Callable[..., Dataset]
CPU = torch.device("cpu")


def never() -> None:
    """Nobody asks the run to stop."""


def _without_dropout(order: Order, world: World, report: Report, should_stop: ShouldStop) -> TrainedModel:
    """Each process draws its own; without, nothing but the order of additions is left to differ."""
    wren.DROPOUT = 0.0
    return carry_out(order, world, report, should_stop)


def test_two_processes_train_what_one_would_have_trained(
    garden: Garden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wren, "DROPOUT", 0.0)
    config = small_config(precision="float32", epochs=2, batch_size=5, learning_rate=1e-5)
    order = partial(Order, garden(), config, tmp_path.joinpath)
    alone, together = list[Progress](), list[Progress]()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    one = carry_out(order(tmp_path / "one"), World(CPU), alone.append, never)
    two = in_processes(2, CPU, partial(_without_dropout, order(tmp_path / "two")), together.append, never)

    assert [each.message for each in together] == [each.message for each in alone]
    for expected, got in zip(alone, together, strict=True):
        for figure in ("train_loss", "val_loss", "val_top1", "learning_rate"):
            if getattr(expected, figure) is not None:
                assert getattr(got, figure) == pytest.approx(getattr(expected, figure), rel=1e-4), figure
    states = [torch.load(tmp_path / name / "checkpoint-0.pt", weights_only=True)["network"] for name in ("one", "two")]
    for name, expected in states[0].items():
        torch.testing.assert_close(states[1][name], expected, rtol=1e-3, atol=1e-5, msg=name)
    values = [{name: metric.value for name, metric in trained.manifest.metrics.items()} for trained in (one, two)]
    assert values[1] == pytest.approx(values[0], abs=1e-4)
    assert sorted(p.name for p in (tmp_path / "two").iterdir()) == sorted(p.name for p in (tmp_path / "one").iterdir())


def _hand_back(outcome: object, world: World, report: Report, should_stop: ShouldStop) -> TrainedModel:
    report(Progress(stage="evaluate", fraction=0.5, message=str(world.gather([world.rank]))))
    if isinstance(outcome, Exception) and world.rank == 1:
        raise outcome
    if outcome == "killed" and world.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if outcome:
        world.gather(["never answered"])
    return TrainedModel(Path("model.pt"), None, {}, [])  # type: ignore[arg-type]


def test_what_the_first_process_tells_and_makes_comes_back() -> None:
    told = list[Progress]()
    done = in_processes(2, CPU, partial(_hand_back, None), told.append, never)
    assert [each.message for each in told] == ["[0, 1]"]
    assert done.model == Path("model.pt")


def test_the_reason_of_the_process_that_failed_is_what_a_person_reads() -> None:
    with pytest.raises(InvalidInput, match="not like this"):
        in_processes(2, CPU, partial(_hand_back, InvalidInput("not like this")), lambda progress: None, never)


def test_a_killed_process_ends_the_others_and_is_worth_another_try() -> None:
    with pytest.raises(ProcessLost, match=r"training 1 ended with exit status -9.*batch_size"):
        in_processes(2, CPU, partial(_hand_back, "killed"), lambda progress: None, never)


_STARTER = """
import sys
from functools import partial
from pathlib import Path
from services.trainer.processes import in_processes
from tests.services.trainer.test_processes import CPU, never, tell_and_stay
in_processes(2, CPU, partial(tell_and_stay, Path(sys.argv[1])), lambda progress: None, never)
"""


def tell_and_stay(folder: Path, world: World, report: Report, should_stop: ShouldStop) -> TrainedModel:
    """Leave the process's id as a file's name, and never come back."""
    (folder / str(os.getpid())).touch()
    threading.Event().wait()
    raise AssertionError


def test_the_processes_end_with_who_started_them_however_that_one_ends(tmp_path: Path) -> None:
    starter = subprocess.Popen([sys.executable, "-c", _STARTER, str(tmp_path)], cwd=Path(__file__).parents[3])
    until(lambda: len(list(tmp_path.iterdir())) == 2, seconds=200, what="the start of both")
    starter.kill()
    starter.wait()
    # An ended process that nobody has asked about has no command line any more.
    lines = [Path("/proc") / told.name / "cmdline" for told in tmp_path.iterdir()]
    until(lambda: not any(line.exists() and line.read_bytes() for line in lines), what="the end of both")


def test_torchrun_can_start_the_processes_as_well(garden: Garden, tmp_path: Path) -> None:
    (tmp_path / "dataset.jsonl").write_bytes(garden(birds=2).canonical())
    (tmp_path / "config.json").write_text(small_config(epochs=1).model_dump_json(), encoding="utf-8")
    files = ["--dataset", "dataset.jsonl", "--config", "config.json", "--storage", ".", "--work-dir", "run"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, "-m", "services.trainer", *files],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Writing and proving the model file") == 1, "the first process alone tells and writes"
    assert read_manifest(tmp_path / "run" / "model.pt").metrics
    assert (tmp_path / "run" / "tensorboard" / "final").is_dir()
