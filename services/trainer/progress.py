"""What a training run tells while it works; the API streams it, the command line draws it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

EPOCH = "epoch"
"""The kind of job event that carries the `Progress` of an epoch."""

BEST_WEIGHTS = "best.pt"
"""In a training's work folder: the best weights so far, of the network that has come furthest."""


class Progress(BaseModel):
    """One epoch done, or one stage begun."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Literal["pictures", "fold", "final", "evaluate", "export"]
    fraction: float = Field(ge=0, le=1)
    """Of the whole run."""
    message: str
    fold: int | None = None
    """0-based; `None` outside cross-validation."""
    folds: int = 0
    epoch: int | None = None
    """Epochs done in this fold."""
    epochs: int | None = None
    train_loss: float | None = None
    val_loss: float | None = None
    val_top1: float | None = None
    """Share of held-out slices whose best species is the right one, 0..1."""
    selection_loss: float | None = None
    """On the part of the training side that is kept aside to choose the epoch by; `None` without patience."""
    waiting: float | None = None
    """Share of the training time in which the network waited for data, 0..1."""
    learning_rate: float | None = None
    seconds: float | None = None
    """Wall time of the epoch."""
