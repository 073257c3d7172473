"""Every network in the folder, whoever adds it: shapes, gradients, TorchScript, size."""

import warnings

import pytest
import torch

from services.trainer import models
from shared.audio.frontend_config import FIELD

CLASSES = 7


@pytest.fixture(params=models.available())
def network(request: pytest.FixtureRequest) -> torch.nn.Module:
    torch.manual_seed(0)
    return models.build(request.param, CLASSES, FIELD)


def pictures(batch: int, frames: int = FIELD.frames) -> torch.Tensor:
    return torch.randn(batch, 1, FIELD.n_mels, frames, generator=torch.Generator().manual_seed(1))


def test_there_is_a_default_network() -> None:
    assert "wren" in models.available()
    with pytest.raises(KeyError):
        models.build("dodo", CLASSES, FIELD)


def test_a_window_s_logits_do_not_depend_on_its_batch(network: torch.nn.Module) -> None:
    network.eval()
    with torch.inference_mode():
        together = network(pictures(3))
        alone = torch.cat([network(picture[None]) for picture in pictures(3)])
    assert together.shape == (3, CLASSES)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_every_parameter_learns(network: torch.nn.Module) -> None:
    network.train()
    loss = torch.nn.functional.cross_entropy(network(pictures(4)), torch.tensor([0, 1, 2, 3]))
    loss.backward()  # type: ignore[no-untyped-call]
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_torchscript_gives_the_same_numbers(network: torch.nn.Module) -> None:
    network.eval()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
        scripted = torch.jit.script(network)
    with torch.inference_mode():
        torch.testing.assert_close(scripted(pictures(2)), network(pictures(2)))


def test_longer_windows_are_heard_too(network: torch.nn.Module) -> None:
    network.eval()
    with torch.inference_mode():
        assert network(pictures(1, frames=600)).shape == (1, CLASSES)


def test_the_wren_is_small() -> None:
    wren = models.build("wren", 29, FIELD)
    assert sum(parameter.numel() for parameter in wren.parameters()) <= 1_500_000
