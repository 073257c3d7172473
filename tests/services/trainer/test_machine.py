"""What is made of a machine's devices."""

import pytest
import torch

from services.trainer.machine import mixed_precision, precision_of, process_count
from shared.errors import InvalidInput
from tests.services.trainer.conftest import small_config


@pytest.fixture
def four_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)


@pytest.mark.usefixtures("four_gpus")
def test_there_is_a_process_for_each_gpu_that_has_enough_to_do() -> None:
    counts = {size: process_count(small_config(device="auto", batch_size=size)) for size in (4, 16, 31, 32, 256)}
    assert counts == {4: 1, 16: 2, 31: 3, 32: 4, 256: 4}
    assert process_count(small_config(device="cuda:2", batch_size=256)) == 1
    assert process_count(small_config(device="cpu", batch_size=256)) == 1
    assert process_count(small_config(device="cuda", processes=3)) == 3


@pytest.mark.usefixtures("four_gpus")
def test_more_processes_than_gpus_are_refused() -> None:
    with pytest.raises(InvalidInput, match="8 processes need as many GPUs; device 'cuda' has 4"):
        process_count(small_config(device="cuda", batch_size=64, processes=8))


@pytest.mark.parametrize(("knows_bfloat16", "expected"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_takes_the_shorter_format_that_it_knows(
    monkeypatch: pytest.MonkeyPatch, knows_bfloat16: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: knows_bfloat16)
    assert precision_of(small_config(), torch.device("cuda")) == str(expected).removeprefix("torch.")
    with mixed_precision(small_config(precision=str(expected).removeprefix("torch.")), torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == expected
