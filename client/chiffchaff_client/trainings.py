"""Trainings: a model from what the library holds, or from a frozen dataset."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

from chiffchaff_client.answers import Answer
from chiffchaff_client.bodies import Json
from chiffchaff_client.classification import ModelName
from chiffchaff_client.datasets import Selection, as_json
from chiffchaff_client.events import Event, follow
from chiffchaff_client.jobs import Job
from chiffchaff_client.transport import Transport, at
from chiffchaff_client.work import Show, Work, wait_for


class Epoch(Answer):
    """One epoch done, or one stage begun.

    `fraction` (0..1) is of the whole run, `val_top1` the share of held-out slices whose best species is the right one.
    """

    stage: str
    fraction: float
    message: str
    fold: int | None = None
    folds: int = 0
    epoch: int | None = None
    epochs: int | None = None
    train_loss: float | None = None
    val_loss: float | None = None
    val_top1: float | None = None
    learning_rate: float | None = None
    seconds: float | None = None


class TrainingLine(Work):
    """A training as a list has it, without its epochs.

    `model` is there once it has succeeded, `best_weights` where it was stopped or failed after its first epoch;
    `val_top1` is that of the last epoch that was tested.
    """

    name: str
    version: str
    dataset_id: str
    config: dict[str, Any]
    val_top1: float | None = None
    model: ModelName | None
    best_weights: str | None = None
    job: Job
    created_at: datetime

    @property
    def reason(self) -> str:
        return self.job.reason


class Training(TrainingLine):
    """A training with all its epochs."""

    epochs: list[Epoch]


class Trainings:
    """`chiffchaff.trainings`"""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def start(
        self,
        name: str,
        *,
        dataset_id: str | None = None,
        dataset: Selection | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Training:
        """Trains a model of that name.

        Args:
            dataset_id: of a frozen dataset; else what `dataset` names is frozen first, or all there is.
            config: settings that differ from the recipe, such as `{"recipe": "original", "epochs": 30}`.
        """
        if dataset_id is not None:
            chosen: dict[str, Any] = {"dataset_id": dataset_id}
        else:
            chosen = {"dataset": {"name": name, **as_json(dataset or {})}}
        body = Json({"name": name, **chosen, "config": dict(config or {})})
        return self._transport.make("/trainings", Training, body)

    def list(self, *, limit: int | None = None) -> Iterator[TrainingLine]:
        """The newest first, at most `limit`."""
        return self._transport.pages("/trainings", TrainingLine, limit)

    def get(self, training_id: str) -> Training:
        return self._transport.get(at("trainings", training_id), Training)

    def wait(
        self, training_id: str, progress: Show[Training] | None = None, *, seconds: float | None = None
    ) -> Training:
        """See `Jobs.wait`."""
        return wait_for(lambda: self.get(training_id), progress, seconds, self._transport.patience)

    def events(self, training_id: str) -> Iterator[Event]:
        """Epochs (`epoch`) as they come, and the job (`job`) as it changes, until it has ended."""
        return follow(self._transport, at("trainings", training_id, "events"))

    def cancel(self, training_id: str) -> Training:
        """What it has learnt until its last whole epoch stays: see `best_weights`."""
        return self._transport.delete(at("trainings", training_id), Training)

    def download_weights(self, training_id: str, target: str | PathLike[str]) -> Path:
        """Saves the best weights of a training that ended without a model."""
        return self._transport.save(at("trainings", training_id, "weights"), target)
