"""What will be trained, decided before anything is: whether the dataset allows it, and the list of networks."""

import hashlib
from dataclasses import dataclass, field, replace

from torch import nn

from services.trainer import models
from services.trainer.config import TrainingConfig
from services.trainer.frozen_dataset import Dataset
from services.trainer.split import Split, everything, held_out, set_aside
from shared.errors import InvalidInput


@dataclass(frozen=True)
class Run:
    """One network to train: a fold of the cross-validation, or the final one."""

    name: str
    number: int
    split: Split
    fold: int | None = None
    folds: int = 0
    aside: list[int] = field(default_factory=list)
    """Recordings of the training side that are kept aside to choose the epoch by; empty without patience."""

    @property
    def learnt_from(self) -> list[int]:
        """All recordings that the network owes something to."""
        return sorted([*self.split.train, *self.aside])


def check(dataset: Dataset, config: TrainingConfig) -> None:
    """Raise InvalidInput, with the reason, when this dataset, front end and network cannot make a classifier."""
    slices = dict.fromkeys(dataset.names, 0)
    for recording in dataset.recordings:
        if not recording.background:
            slices[recording.label] += len(recording.slices)
    if not dataset.slices:
        raise InvalidInput(
            "No recording of the dataset has a slice with signal.",
            hint="Wait until the recordings are prepared, or add recordings in which a bird is heard.",
        )
    if len(dataset.labels) < 2:
        raise InvalidInput(
            f"The dataset has only one species, {dataset.names[0]}; a classifier tells at least two apart.",
            hint="Add recordings of another species.",
        )
    if empty := [name for name, count in slices.items() if not count]:
        raise InvalidInput(
            f"These species have no slice to train on: {', '.join(empty)}.",
            hint="Leave them out of the dataset, or add recordings of them.",
        )
    picture = config.picture
    if (picture.sample_rate, picture.window_samples) != (dataset.sample_rate, dataset.window):
        raise InvalidInput(
            f"The front end takes windows of {picture.window_samples} samples at {picture.sample_rate} Hz, "
            f"the dataset has windows of {dataset.window} at {dataset.sample_rate} Hz.",
            hint="Take a front end that fits the dataset.",
        )
    models.check(config.network, picture)


def plan(dataset: Dataset, config: TrainingConfig) -> list[Run]:
    """The networks to train, the final one last. Folds beyond `config.folds` are merged, recordists staying whole.

    With patience a part of each training side is kept aside to choose the epoch by: a test fold must not choose.
    """
    runs = _splits(dataset, config)
    if not config.patience:
        return runs
    parts = [set_aside(dataset.recordings, run.split, config.seed) for run in runs]
    return [replace(run, split=split, aside=aside) for run, (split, aside) in zip(runs, parts, strict=True)]


def _splits(dataset: Dataset, config: TrainingConfig) -> list[Run]:
    if not config.folds:
        split = held_out(dataset.recordings, 0, every_class=True)
        return [Run("final", 0, split if split.train else everything(dataset.recordings))]
    merged = [r.model_copy(update={"fold": r.fold % config.folds}) for r in dataset.recordings]
    splits = [held_out(merged, fold, every_class=False) for fold in sorted({r.fold for r in merged if r.slices})]
    useful = [split for split in splits if split.train and split.test]
    runs = [Run(f"fold {n + 1}", n, split, fold=n, folds=len(useful)) for n, split in enumerate(useful)]
    final = everything(merged)
    tested = {merged[i].label for split in useful for i in split.test}
    if untested := sorted({merged[i].label for i in final.train} - tested):
        final.warnings.append(f"These species could not be tested on unheard recordists: {', '.join(untested)}.")
    return [*runs, Run("final", len(runs), final)]


def fingerprint(dataset: Dataset, config: TrainingConfig, network: nn.Module, start_sha256: str = "") -> str:
    """Names the run: what a checkpoint must have come from to be gone on with.

    The network's shapes belong to it: after an update that changed the network, a run starts anew. So does the file
    of pretrained weights, if any.
    """
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    return hashlib.sha256(f"{dataset.sha256}\n{config.model_dump_json()}\n{shapes}{start_sha256}".encode()).hexdigest()
