"""What a batch's logits cost, given what is heard in it."""

import torch
import torch.nn.functional as F
from torch import Tensor

from services.trainer.config import TrainingConfig


def loss_of(logits: Tensor, targets: Tensor, config: TrainingConfig) -> Tensor:
    """Mean loss of a batch, both (batch, classes); `targets` 0..1, all zero for windows without a known bird.

    Cross-entropy shares each window's weight among its species, and among all when there is none; binary asks of each
    species by itself. Both are smoothed (Szegedy et al. 2016). Where a target is NaN nobody knows whether the species
    is heard: it costs nothing, and cross-entropy chooses among the others.
    """
    known = ~targets.isnan()
    targets = targets.nan_to_num(nan=0.0)
    even = 1.0 / known.sum(dim=1, keepdim=True)
    if config.loss == "binary":
        smoothed = targets * (1.0 - config.label_smoothing) + config.label_smoothing * even
        each = F.binary_cross_entropy_with_logits(logits, smoothed, reduction="none")
        return each.masked_fill(~known, 0.0).sum(dim=1).mean()
    total = targets.sum(dim=1, keepdim=True)
    shared = torch.where(total > 0, targets / total.clamp(min=1e-6), even)
    smoothed = shared * (1.0 - config.label_smoothing) + config.label_smoothing * even
    choice = F.log_softmax(logits.masked_fill(~known, -torch.inf), dim=1)
    return -(smoothed * choice).masked_fill(~known, 0.0).sum(dim=1).mean()
