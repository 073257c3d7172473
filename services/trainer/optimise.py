"""How weights follow gradients: the optimiser, the learning rate from step to step, and their running mean."""

import math
from collections.abc import Container

import torch
from torch import Tensor, nn

from services.trainer.config import TrainingConfig


def make_optimizer(network: nn.Module, config: TrainingConfig, head: Container[str]) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019) or Adam (Kingma and Ba 2015), as configured.

    Its groups carry as `factor` what the learning rate is multiplied by: it is less for what is not named in `head`,
    where that is asked for. Norms and biases are not decayed: they are few, and at zero they would silence a channel.
    """
    groups = []
    for factor, of_head in ((config.trunk_learning_rate, False), (1.0, True)):
        members = [p for name, p in network.named_parameters() if (name in head) == of_head]
        matrices, others = [p for p in members if p.ndim > 1], [p for p in members if p.ndim <= 1]
        groups.append({"params": matrices, "weight_decay": config.weight_decay, "factor": factor})
        groups.append({"params": others, "weight_decay": 0.0, "factor": factor})
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind([group for group in groups if group["params"]], lr=config.learning_rate)


def rate_at(done: float, config: TrainingConfig) -> float:
    """Factor of the learning rate after a share `done` of all steps, 0..1.

    A linear rise first; then half a cosine down to 0, or a step down by `decay` after each epoch.
    """
    if done < config.warm_up:
        return max(done, 1e-3) / config.warm_up
    if config.schedule == "exponential":
        # The share is a quotient of whole steps: what is an epoch's first step must not fall into the one before.
        return config.decay ** math.floor(done * config.epochs + 1e-9)
    if config.warm_up == 1:
        return 1.0
    return 0.5 + 0.5 * math.cos(math.pi * (done - config.warm_up) / (1.0 - config.warm_up))


def running_mean(mean: Tensor, current: Tensor, updates: Tensor | int, *, decay: float) -> Tensor:
    """Exponential mean of weights and statistics; faster at first, so that short runs forget their random start."""
    if not mean.is_floating_point():
        return current
    n = float(updates)
    return torch.lerp(mean, current, 1.0 - min(decay, (1.0 + n) / (10.0 + n)))
