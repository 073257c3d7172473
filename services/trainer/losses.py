"""What a batch's logits cost, given what is heard in it."""

import torch
import torch.nn.functional as F
from torch import Tensor

from services.trainer.config import TrainingConfig


def loss_of(logits: Tensor, targets: Tensor, config: TrainingConfig) -> Tensor:
    """Mean loss of a batch, both (batch, classes); `targets` 0..1, all zero for windows without a known bird.

    Cross-entropy shares each window's weight among its species, and among all when there is none; binary asks of each
    species by itself. Both are smoothed (Szegedy et al. 2016).
    """
    classes = logits.shape[1]
    if config.loss == "binary":
        smoothed = targets * (1.0 - config.label_smoothing) + config.label_smoothing / classes
        return F.binary_cross_entropy_with_logits(logits, smoothed, reduction="none").sum(dim=1).mean()
    total = targets.sum(dim=1, keepdim=True)
    shared = torch.where(total > 0, targets / total.clamp(min=1e-6), 1.0 / classes)
    smoothed = shared * (1.0 - config.label_smoothing) + config.label_smoothing / classes
    return -(smoothed * F.log_softmax(logits, dim=1)).sum(dim=1).mean()
