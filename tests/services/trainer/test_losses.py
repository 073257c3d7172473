"""What a batch costs: more for a wrong answer, nothing for what nobody knows."""

import pytest
import torch

from services.trainer.losses import loss_of
from tests.services.trainer.conftest import small_config


def test_a_window_without_a_bird_pulls_every_species_down() -> None:
    config = small_config(label_smoothing=0.0)
    bird, nothing = torch.tensor([[1.0, 0.0]]), torch.zeros(1, 2)
    sure, unsure = torch.tensor([[6.0, -6.0]]), torch.zeros(1, 2)
    assert loss_of(sure, bird, config) < loss_of(unsure, bird, config)
    assert loss_of(sure, nothing, config) > loss_of(unsure, nothing, config)
    binary = small_config(label_smoothing=0.0, loss="binary")
    assert loss_of(torch.full((1, 2), -6.0), nothing, binary) < loss_of(unsure, nothing, binary)


def test_two_birds_in_one_window_share_the_cross_entropy() -> None:
    config = small_config(label_smoothing=0.0)
    logits = torch.tensor([[1.0, 0.5, -2.0]])
    expected = -0.5 * torch.log_softmax(logits, 1)[0, :2].sum()
    torch.testing.assert_close(loss_of(logits, torch.tensor([[1.0, 1.0, 0.0]]), config), expected)


@pytest.mark.parametrize("loss", ["cross-entropy", "binary"])
def test_what_nobody_knows_costs_nothing_and_teaches_nothing(loss: str) -> None:
    config = small_config(loss=loss, label_smoothing=0.1)
    logits = torch.tensor([[1.0, 0.5, -2.0]], requires_grad=True)
    unsure = loss_of(logits, torch.tensor([[1.0, torch.nan, 0.0]]), config)
    torch.testing.assert_close(unsure, loss_of(logits[:, [0, 2]], torch.tensor([[1.0, 0.0]]), config))
    (gradient,) = torch.autograd.grad(unsure, logits)
    assert gradient[0, 1] == 0
    assert (gradient[0, [0, 2]] != 0).all()
    assert torch.isfinite(gradient).all()
