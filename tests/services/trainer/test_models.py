"""Every network in the folder, whoever adds it: shapes, size, gradients, TorchScript. Other formats: `test_export`."""

import copy
import warnings

import pytest
import torch
from torch import Tensor, nn

from services.trainer import models
from services.trainer.choices import CLASSES, COSTS
from shared.audio.frontend_config import FIELD, ORIGINAL, FrontEndConfig, preset
from shared.errors import InvalidInput


@pytest.fixture(params=models.available(), scope="module")
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def front_end(name: str) -> FrontEndConfig:
    return preset(COSTS[name][2])


@pytest.fixture(scope="module")
def network(name: str, front_end: FrontEndConfig) -> nn.Module:
    """In evaluation mode, and shared by the tests of this file: who trains it takes a copy."""
    torch.manual_seed(0)
    return models.build(name, CLASSES, front_end).eval()


def pictures(batch: int, front_end: FrontEndConfig, frames: int = 0) -> Tensor:
    """Between 0 and 1, as `original` makes them."""
    generator = torch.Generator().manual_seed(1)
    return torch.rand(batch, 1, front_end.n_mels, frames or front_end.frames, generator=generator)


def test_there_is_a_default_network_and_every_network_is_known_to_these_tests() -> None:
    assert "wren" in models.available()
    assert set(COSTS) == set(models.available()), "a new network wants its size, speed and front end in choices.py"
    with pytest.raises(KeyError):
        models.build("dodo", CLASSES, FIELD)


def test_it_has_as_many_parameters_as_its_paper_says(name: str, network: nn.Module) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) == COSTS[name][0]


def test_a_window_s_logits_do_not_depend_on_its_batch(network: nn.Module, front_end: FrontEndConfig) -> None:
    windows = pictures(3, front_end)
    with torch.inference_mode():
        together = network(windows)
        alone = torch.cat([network(window[None]) for window in windows])
    assert together.shape == (3, CLASSES)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    assert (together < 0).any(), "logits, on which no sigmoid and no ReLU has laid hands"


def test_every_parameter_learns(network: nn.Module, front_end: FrontEndConfig) -> None:
    learner = copy.deepcopy(network)
    # Norms that know the statistics, and hold still: a batch's own would cancel the biases before them, and those of a
    # network that has heard nothing may leave no feature above zero.
    for norm in learner.modules():
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            norm.momentum = 1.0
    with torch.no_grad():
        learner.train()(pictures(3, front_end))
    for parameter, gradient in gradients(learner.eval(), pictures(2, front_end)).items():
        assert torch.isfinite(gradient).all(), parameter
        assert gradient.abs().sum() > 0, parameter


def test_silence_in_a_batch_hurts_no_gradient(network: nn.Module, front_end: FrontEndConfig) -> None:
    windows = pictures(2, front_end)
    windows[1] = 0.0
    for parameter, gradient in gradients(copy.deepcopy(network).train(), windows).items():
        assert torch.isfinite(gradient).all(), parameter


def gradients(learner: nn.Module, windows: Tensor) -> dict[str, Tensor]:
    targets = torch.arange(len(windows))
    torch.nn.functional.cross_entropy(learner(windows), targets).backward()  # type: ignore[no-untyped-call]
    found = {parameter: values.grad for parameter, values in learner.named_parameters()}
    missing = [parameter for parameter, gradient in found.items() if gradient is None]
    assert not missing
    return {parameter: gradient for parameter, gradient in found.items() if gradient is not None}


def test_longer_windows_are_heard_too_where_the_network_says_so(network: nn.Module, front_end: FrontEndConfig) -> None:
    longer = pictures(1, front_end, frames=300)
    with torch.inference_mode():
        if network.any_length:
            assert network(longer).shape == (1, CLASSES)
        else:
            with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
                network(longer)


def test_torchscript_gives_the_same_numbers(network: nn.Module, front_end: FrontEndConfig) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
        scripted = torch.jit.script(network)
    windows = pictures(2, front_end)
    with torch.inference_mode():
        torch.testing.assert_close(scripted(windows), network(windows))


def test_it_fits_the_front_end_it_is_made_for(name: str, front_end: FrontEndConfig) -> None:
    models.check(name, front_end)


@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        ("zilpzalp", "96 mel bands and 216 frames: the picture is smaller than what one of its kernels spans"),
        ("sparrow_exp", "the pictures have values below zero"),
    ],
)
def test_pictures_that_do_not_fit_are_refused_with_a_reason(unfit: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=f"The network {unfit} cannot take .* front end field, .*{reason}") as caught:
        models.check(unfit, FIELD)
    assert caught.value.hint


@pytest.mark.parametrize("fits", ["bulbul", "hawk", "lstm", "puffin", "sparrow", "wren"])
def test_other_pictures_are_taken_where_they_fit(fits: str) -> None:
    models.check(fits, FIELD)


def test_hawk_s_kernels_for_timbre_span_bands_and_those_for_rhythm_frames() -> None:
    hawk = models.build("hawk", CLASSES, ORIGINAL)
    shapes = {tuple(weights.shape[2:]) for name, weights in hawk.named_parameters() if name.endswith("0.weight")}
    assert {(115, 7), (115, 3), (115, 1), (51, 7), (51, 3), (51, 1), (165,), (125,), (65,), (31,)} <= shapes


def test_the_wren_is_small() -> None:
    wren = models.build("wren", 29, FIELD)
    assert sum(parameter.numel() for parameter in wren.parameters()) <= 1_500_000
