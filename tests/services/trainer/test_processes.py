"""Several processes that share one training: the same figures, one set of files, and an end with everyone's end."""

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from services.trainer.fit import Report, ShouldStop
from services.trainer.frozen_dataset import Dataset
from services.trainer.processes import ProcessLost, in_processes
from services.trainer.progress import Progress
from services.trainer.publish import TrainedModel
from services.trainer.world import World
from shared.errors import InvalidInput

Garden = Callable[..., Dataset]
CPU = torch.device("cpu")


def never() -> None:
    """Nobody asks the run to stop."""


def no_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process draws its own; without, nothing but the order of additions is left to differ."""
    monkeypatch.setattr("services.trainer.models.wren.DROPOUT", 0.0)


@pytest.fixture
def folder_path(tmp_path: Path) -> Callable[[str], Path]:
    return tmp_path.joinpath


def _hand_back(outcome: object, world: World, report: Report, should_stop: ShouldStop) -> TrainedModel:
    report(Progress(stage="evaluate", fraction=0.5, message=str(world.gather([world.rank]))))
    if isinstance(outcome, Exception) and world.rank == 1:
        raise outcome
    if outcome == "killed" and world.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if outcome:
        world.gather(["never answered"])
    return TrainedModel(Path("model.pt"), None, Path(), Path(), None, [])  # type: ignore[arg-type]


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
