"""How weights follow gradients: the optimiser, the learning rate from step to step, and their running mean."""

import math
from collections.abc import Container

import torch
from torch import Tensor, nn

from services.trainer.config import TrainingConfig


def make_optimizer(network: nn.Module, config: TrainingConfig, head: Container[str]) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019).

    Its groups carry as `factor` what the learning rate is multiplied by: it is less for what is not named in `head`,
    where that is asked for. Norms and biases are not decayed: they are few, and at zero they would silence a channel.
    """
    groups = []
    for factor, of_head in ((config.trunk_learning_rate, False), (1.0, True)):
        members = [p for name, p in network.named_parameters() if (name in head) == of_head]
        matrices, others = [p for p in members if p.ndim > 1], [p for p in members if p.ndim <= 1]
        groups.append({"params": matrices, "weight_decay": config.weight_decay, "factor": factor})
        groups.append({"params": others, "weight_decay": 0.0, "factor": factor})
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.learning_rate)


def rate_at(done: float, warm_up: float) -> float:
    """Factor of the learning rate after a share `done` of all steps: a linear rise, then half a cosine down to 0."""
    if done < warm_up:
        return max(done, 1e-3) / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (done - warm_up) / (1.0 - warm_up)) if warm_up < 1 else 1.0


def running_mean(mean: Tensor, current: Tensor, updates: Tensor | int, *, decay: float) -> Tensor:
    """Exponential mean of weights and statistics; faster at first, so that short runs forget their random start."""
    if not mean.is_floating_point():
        return current
    n = float(updates)
    return torch.lerp(mean, current, 1.0 - min(decay, (1.0 + n) / (10.0 + n)))
