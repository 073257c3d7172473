"""The training loop: one network from its first weights to its last epoch, in plain PyTorch, top to bottom.

Randomness is drawn anew for each epoch from (seed, run, epoch), so that a resumed run draws what an uninterrupted one
would have drawn. Several processes run this very loop side by side, each on its share of every batch.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from services.trainer import models
from services.trainer.board import board
from services.trainer.checkpoint import load_checkpoint, save_checkpoint
from services.trainer.classifier import Classifier, classifier_of
from services.trainer.config import TrainingConfig
from services.trainer.data import AudioPath, Sound, TrainingData
from services.trainer.feed import Feed
from services.trainer.frozen_dataset import Dataset
from services.trainer.listen import validate
from services.trainer.losses import loss_of
from services.trainer.machine import mixed_precision, precision_of
from services.trainer.memory import require_memory
from services.trainer.optimise import make_optimizer, rate_at, running_mean
from services.trainer.pictures import Pictures
from services.trainer.plan import Run, fingerprint
from services.trainer.pretrained import Pretrained, epochs_of, head_of, take_over, write_weights
from services.trainer.progress import BEST_WEIGHTS, Progress
from services.trainer.publish import describe
from services.trainer.unknown import UnknownSet
from services.trainer.world import World
from shared.audio.frontend import FrontEnd
from shared.errors import ChiffchaffError
from shared.model_file import weights_sha256

T = TypeVar("T")
Report = Callable[[Progress], None]
ShouldStop = Callable[[], None]


class TrainingDiverged(ChiffchaffError):
    code = "training-diverged"
    status = 422
    title = "The training ran out of control"


@dataclass(frozen=True)
class Order:
    """What a training is to do: the same for all its networks and in all its processes."""

    dataset: Dataset
    config: TrainingConfig
    audio_path: AudioPath
    work_dir: Path
    start: Path | None = None
    """A file of pretrained weights."""
    tensorboard: Path | None = None
    """Where figures for TensorBoard go, a folder for each network."""
    unknown: tuple[UnknownSet, ...] = ()
    """Sounds that are heard and not learnt from."""
    pictures_dir: Path | None = None
    """Where precomputed pictures are kept."""


def fit(
    run: Run,
    runs: int,
    order: Order,
    sound: Sound,
    precomputed: Pictures | None,
    pretrained: Pretrained | None,
    world: World,
    report: Report,
    should_stop: ShouldStop,
) -> tuple[Classifier, list[Progress]]:
    """Train one of `runs` networks; returns it with its averaged weights, and what was reported of its epochs.

    These are the weights after the last epoch; with patience those after the epoch that was best on what is kept aside.
    """
    dataset, config, device = order.dataset, order.config, world.device
    autocast = mixed_precision(config, device)
    scaler = torch.amp.GradScaler(device.type, enabled=precision_of(config, device) == "float16")
    loss = partial(loss_of, config=config)

    # What is trained, and its running mean, which is what is kept.
    torch.manual_seed(_seed(config.seed, run.number))
    front_end = FrontEnd(config.picture).to(device)
    network = models.build(config.network, len(dataset.labels), config.picture)
    head = head_of(network, config, len(dataset.labels))
    if pretrained:
        take_over(network, head, pretrained, dataset.names)
    network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trial = front_end(torch.zeros(2, dataset.window, device=device))
    require_memory(network, trial.contiguous(memory_format=torch.channels_last), autocast, config, world.size)
    averaged = AveragedModel(network, avg_fn=partial(running_mean, decay=config.averaging), use_buffers=True)
    classifier = classifier_of(front_end, averaged.module, dataset.window, dataset.sample_rate)
    network = world.prepare(network)
    optimizer = make_optimizer(network, config, head)
    source = precomputed.source(run.split.train) if precomputed else None
    data = TrainingData(sound, run.split.train, config, source)
    feed = Feed(data, front_end, config, device, world.share)
    steps = config.epochs * data.batches_per_epoch

    # Go on where an earlier call was stopped.
    path = order.work_dir / f"checkpoint-{run.number}.pt"
    name = fingerprint(dataset, config, network, pretrained.sha256 if pretrained else "")
    epochs: list[Progress] = []
    best = averaged.module.state_dict()
    if state := load_checkpoint(path, name):
        network.load_state_dict(state["network"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        scaler.load_state_dict(state["scaler"])
        best = state["best"] or averaged.module.state_dict()
        epochs = [Progress.model_validate(each) for each in state["epochs"]]
    begun = len(epochs)
    best_path = order.work_dir / BEST_WEIGHTS
    furthest = epochs_of(best_path)
    manifest = describe(dataset, config, run.learnt_from, None, pretrained)
    folder = order.tensorboard / run.name.replace(" ", "-") if order.tensorboard and world.rank == 0 else None

    with board(folder, begun) as write:
        if epochs:
            report(epochs[-1])  # it may have been stopped before it could
            write(epochs[-1])
        while len(epochs) < config.epochs and not _patience_lost(epochs, config.patience):
            epoch, began = len(epochs), time.monotonic()
            frozen = epoch < config.head_only_epochs
            if epoch in (begun, config.head_only_epochs):
                learner = world.connect(_freeze(network, head, frozen))
            # A frozen trunk gives what it gives in use: without dropout, by the statistics it has learnt.
            learner.train(not frozen)
            seed = config.seed, run.number, epoch
            own_seed = _seed(*seed, world.rank) if world.rank else _seed(*seed)
            generator = torch.Generator(device).manual_seed(own_seed)
            torch.manual_seed(own_seed)
            losses, waiting = [], Stopwatch()
            with closing(feed.batches(seed)) as batches:
                for step, batch in enumerate(waiting.over(batches), start=epoch * data.batches_per_epoch):
                    should_stop()
                    for group in optimizer.param_groups:
                        group["lr"] = config.learning_rate * group["factor"] * rate_at(step / steps, config)
                    pictures, targets = feed.pictures(batch, generator)
                    with autocast:
                        logits = learner(pictures.contiguous(memory_format=torch.channels_last))
                    cost = loss(logits.float(), targets) * world.weight(len(batch.targets), batch.of)
                    losses.append(world.mean(cost))
                    if not math.isfinite(losses[-1]):
                        raise TrainingDiverged(
                            f"The loss of {run.name} became {losses[-1]} in epoch {epoch + 1}.",
                            hint="Lower the learning rate, or set the precision to float32.",
                        )
                    optimizer.zero_grad()
                    scaler.scale(cost).backward()  # type: ignore[no-untyped-call]
                    scaler.unscale_(optimizer)
                    nn.utils.clip_grad_norm_(network.parameters(), config.gradient_norm or math.inf)
                    scaler.step(optimizer)
                    scaler.update()
                    averaged.update_parameters(network)
            waited = waiting.seconds / (time.monotonic() - began)

            classifier.eval()
            with autocast:
                val_loss, val_top1 = validate(classifier, sound, run.split.test, loss, world)
                selection_loss, _ = validate(classifier, sound, run.aside, loss, world)
            epochs.append(
                Progress(
                    stage="final" if run.fold is None else "fold",
                    fraction=0.98 * (run.number * config.epochs + epoch + 1) / (runs * config.epochs),
                    message=f"{run.name}, epoch {epoch + 1} of {config.epochs}",
                    fold=run.fold,
                    folds=run.folds,
                    epoch=epoch + 1,
                    epochs=config.epochs,
                    train_loss=float(np.mean(losses)),
                    val_loss=val_loss,
                    val_top1=val_top1,
                    selection_loss=selection_loss,
                    waiting=waited,
                    learning_rate=optimizer.param_groups[-1]["lr"],
                    seconds=time.monotonic() - began,
                )
            )
            if improved := best_epoch(epochs) == epoch:
                best = {key: value.clone() for key, value in averaged.module.state_dict().items()}
            if world.rank == 0:
                state = {
                    "fingerprint": name,
                    "network": network.state_dict(),
                    "averaged": averaged.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "scaler": scaler.state_dict(),
                    "best": best if run.aside else None,
                    "epochs": [each.model_dump() for each in epochs],
                }
                save_checkpoint(path, state)
                if improved and epoch + 1 >= furthest:
                    write_weights(best_path, best, manifest, epoch + 1)
            report(epochs[-1])
            write(epochs[-1])

    averaged.module.load_state_dict(best)
    world.require_same(weights_sha256(averaged.module.state_dict()))
    return classifier.eval(), epochs


def best_epoch(epochs: list[Progress]) -> int:
    """The place of the epoch that was best on what is kept aside; where nothing is, the last."""
    losses = [each.selection_loss for each in epochs]
    finite = [(loss, place) for place, loss in enumerate(losses) if loss is not None and math.isfinite(loss)]
    return min(finite)[1] if finite else len(epochs) - 1


def _patience_lost(epochs: list[Progress], patience: int) -> bool:
    return 0 < patience < len(epochs) - best_epoch(epochs)


def _freeze(network: nn.Module, head: Iterable[str], frozen: bool) -> nn.Module:
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not frozen or name in head)
    return network


class Stopwatch:
    """Measures how long its user waits for what an iterator gives."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def over(self, items: Iterable[T]) -> Iterator[T]:
        source = iter(items)
        while True:
            began = time.monotonic()
            try:
                item = next(source)
            except StopIteration:
                return
            finally:
                self.seconds += time.monotonic() - began
            yield item


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
