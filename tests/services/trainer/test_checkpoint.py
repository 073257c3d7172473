"""Checkpoints: gone on with by the same run only."""

from collections.abc import Callable
from pathlib import Path

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
