"""Too little memory becomes a sentence that says what to change."""

from pathlib import Path

import pytest
import torch
from torch import nn

from services.trainer.memory import TooLittleMemory, free_bytes, kept_bytes, memory_explained, require_memory
from tests.services.trainer.conftest import small_config

NO_CAST = torch.autocast("cpu", enabled=False)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
    ],
)
def test_an_allocation_that_fails_says_what_to_change(error: Exception) -> None:
    says = r"batches of 4 windows.*Lower batch_size.*smaller network"
    with pytest.raises(TooLittleMemory, match=says), memory_explained(small_config()):
        raise error


def test_other_failures_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes differ"), memory_explained(small_config()):
        raise RuntimeError("shapes differ")


def test_what_a_forward_pass_keeps_is_counted_without_the_weights() -> None:
    network = nn.Sequential(nn.Linear(8, 100), nn.Sigmoid(), nn.Linear(100, 3))
    kept = kept_bytes(network, torch.zeros(2, 8), NO_CAST)
    assert kept == 4 * 2 * (8 + 100), "the input of the first layer and the output of the sigmoid"


def test_a_batch_that_cannot_fit_is_refused_before_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Sequential(nn.Linear(8, 100), nn.Sigmoid(), nn.Linear(100, 3))
    weights = 4 * sum(p.numel() for p in network.parameters())
    enough = 4 * weights + 4 * 10 * (8 + 100)
    monkeypatch.setattr("services.trainer.memory.free_bytes", lambda device: enough)
    require_memory(network, torch.zeros(2, 8), NO_CAST, small_config(batch_size=10), 1)
    with pytest.raises(TooLittleMemory, match="A batch_size of 10 might just fit"):
        require_memory(network, torch.zeros(2, 8), NO_CAST, small_config(batch_size=11), 1)
    with pytest.raises(TooLittleMemory):
        require_memory(network, torch.zeros(2, 8), NO_CAST, small_config(batch_size=10), 2)


def test_this_machine_says_how_much_is_free() -> None:
    free = free_bytes(torch.device("cpu"))
    if Path("/proc/meminfo").exists():
        assert free is not None
        assert free > 2**20
