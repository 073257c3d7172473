"""Checkpoints: gone on with by the same run only."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from services.trainer.checkpoint import load_checkpoint, save_checkpoint
from services.trainer.frozen_dataset import Dataset
from services.trainer.plan import fingerprint
from tests.services.trainer.conftest import small_config


def test_a_checkpoint_is_read_by_the_run_that_wrote_it_and_by_no_other(
    garden: Callable[..., Dataset], tmp_path: Path
) -> None:
    path, dataset = tmp_path / "checkpoint.pt", garden(birds=2, people=1)
    network = torch.nn.Linear(3, 2)
    name = fingerprint(dataset, small_config(), network)
    assert load_checkpoint(path, name) is None
    save_checkpoint(path, {"fingerprint": name, "weights": torch.ones(3)})
    found = load_checkpoint(path, name)
    assert found is not None
    assert torch.equal(found["weights"], torch.ones(3))
    assert load_checkpoint(path, fingerprint(dataset, small_config(seed=1), network)) is None
    assert load_checkpoint(path, fingerprint(garden(birds=3, people=1), small_config(), network)) is None
    assert load_checkpoint(path, fingerprint(dataset, small_config(), torch.nn.Linear(3, 4))) is None, "another network"
    assert [file.name for file in tmp_path.glob("checkpoint*")] == ["checkpoint.pt"]


def test_a_full_disk_is_said_and_keeps_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"fingerprint": "x", "epoch": 1})

    def no_room(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match=r"The disk is full: checkpoint\.pt could not be written") as caught:
        save_checkpoint(path, {"fingerprint": "x", "epoch": 2})
    assert caught.value.errno == errno.ENOSPC, "by this the worker knows that it should wait"
    found = load_checkpoint(path, "x")
    assert found is not None
    assert found["epoch"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"], "what was half written takes no room"
