"""The figures that TensorBoard shows."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from services.trainer.board import board
from services.trainer.progress import Progress


def epoch(number: int, loss: float) -> Progress:
    return Progress(stage="final", fraction=0.5, message="", epoch=number, train_loss=loss, waiting=0.25)


def test_each_epoch_is_a_point_and_a_restart_leaves_none_twice(tmp_path: Path) -> None:
    with board(tmp_path, 0) as write:
        for number in (1, 2, 3):
            write(epoch(number, float(number)))
    with board(tmp_path, 2) as write:  # killed before the third epoch's checkpoint
        write(epoch(2, 2.0))
        write(epoch(3, 30.0))
    shown = EventAccumulator(str(tmp_path))
    shown.Reload()
    assert sorted(shown.Tags()["scalars"]) == ["loss/training", "waiting for data"]
    points = [(event.step, event.value) for event in shown.Scalars("loss/training")]
    assert points == [(1, 1.0), (2, 2.0), (3, 30.0)]


def test_where_no_folder_is_given_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with board(None, 0) as write:
        write(epoch(1, 1.0))
    assert list(tmp_path.iterdir()) == []
