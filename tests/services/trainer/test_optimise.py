"""The learning rate over a run, and which optimiser takes the steps."""

import numpy as np
import pytest
import torch
from torch import nn

from services.trainer.optimise import make_optimizer, rate_at
from tests.services.trainer.conftest import small_config


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    config = small_config(warm_up=0.1)
    rates = np.array([rate_at(done, config) for done in np.linspace(0, 1, 101)])
    assert rates.argmax() == 10
    assert rates[10] == pytest.approx(1.0)
    assert rates[0] > 0
    assert rates[-1] == pytest.approx(0.0)
    assert (np.diff(rates[:11]) > 0).all()
    assert (np.diff(rates[10:]) < 0).all()


def test_it_falls_by_the_same_factor_after_each_epoch() -> None:
    config = small_config(schedule="exponential", decay=0.95, warm_up=0.0, epochs=7)
    steps = [rate_at(step / (7 * 13), config) for step in range(7 * 13)]
    np.testing.assert_allclose(steps, np.repeat(0.95 ** np.arange(7), 13))


@pytest.mark.parametrize(("name", "kind"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)])
def test_norms_and_biases_are_not_decayed(name: str, kind: type) -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    config = small_config(optimizer=name, weight_decay=0.3, learning_rate=0.01)
    optimizer = make_optimizer(network, config, {"1.weight"})
    assert type(optimizer) is kind
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert [decays[id(p)] for p in network.parameters()] == [0.3, 0.0, 0.0, 0.0]
    assert all(group["lr"] == 0.01 for group in optimizer.param_groups)
