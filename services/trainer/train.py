"""One training run, top to bottom: cross-validate by recordist, train the final network, judge it, write it.

`train` knows no database and no queue: it reads a frozen dataset, writes into one folder, and can be killed and called
again with the same arguments at any moment. Randomness is drawn anew for each epoch from (seed, run, epoch), so that a
resumed run draws what an uninterrupted one would have drawn.
"""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from services.trainer import models
from services.trainer.augment import augment_pictures, augment_sound
from services.trainer.checkpoint import load_checkpoint, save_checkpoint
from services.trainer.classifier import Classifier, RecordingClassifier, classifier_of
from services.trainer.config import TrainingConfig
from services.trainer.data import AudioPath, Sound, TrainingData
from services.trainer.evaluate import evaluate
from services.trainer.frozen_dataset import Dataset
from services.trainer.heard import Heard
from services.trainer.listen import listen, validate
from services.trainer.machine import mixed_precision, pick_device
from services.trainer.plan import Run, check, fingerprint, plan
from services.trainer.progress import Progress
from services.trainer.publish import TrainedModel, publish
from services.trainer.unknown import Strangers, UnknownSet
from shared.audio.frontend import FrontEnd
from shared.errors import ChiffchaffError

Report = Callable[[Progress], None]
ShouldStop = Callable[[], None]


class TrainingDiverged(ChiffchaffError):
    code = "training-diverged"
    status = 422
    title = "The training ran out of control"


def train(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    audio_path: AudioPath,
    work_dir: Path,
    report: Report,
    should_stop: ShouldStop,
    unknown: Sequence[UnknownSet] = (),
) -> TrainedModel:
    """Train as `config` says and leave model.pt, card.md, curves.png and confusion.png in `work_dir`.

    `audio_path` turns a storage key into the path of a prepared WAV. `report` hears of every epoch; `should_stop` is
    called between batches and may raise to interrupt. The trained networks hear `unknown` too and are never trained on
    it. Called again with the same dataset, configuration and folder, the run goes on after its last epoch. Raises
    InvalidInput when the dataset cannot train a classifier, TrainingDiverged, ExportFailed.
    """
    check(dataset, config)
    if config.threads:
        torch.set_num_threads(config.threads)
    work_dir.mkdir(parents=True, exist_ok=True)
    sound = Sound(dataset, audio_path)
    runs = plan(dataset, config)
    history: dict[str, list[Progress]] = {}
    heard: list[Heard] = []
    strangers = Strangers(unknown, dataset, audio_path, config.activation)
    for run in runs:
        classifier, history[run.name] = fit(run, len(runs), sound, config, work_dir, report, should_stop)
        heard += listen(classifier, sound, run.split.test, should_stop, run.fold or 0)
        strangers.listen(classifier, run.fold, should_stop)

    report(Progress(stage="evaluate", fraction=0.99, message="Judging the held-out recordings"))
    evaluation = (
        evaluate(heard, len(dataset.labels), config.activation, strangers.heard, config.seed) if heard else None
    )
    warnings = list(dict.fromkeys(warning for run in runs for warning in run.split.warnings)) + strangers.warnings
    if evaluation is None:
        warnings.append("No recording could be held out, so the accuracy of this model is unknown.")
    report(Progress(stage="export", fraction=0.995, message="Writing and proving the model file"))
    trained = publish(classifier, sound, config, runs[-1].split.train, evaluation, history, warnings, work_dir)
    report(Progress(stage="export", fraction=1.0, message="Done"))
    return trained


def fit(
    run: Run, runs: int, sound: Sound, config: TrainingConfig, work_dir: Path, report: Report, should_stop: ShouldStop
) -> tuple[Classifier | RecordingClassifier, list[Progress]]:
    """Train one of `runs` networks; returns it with its averaged weights, and what was reported of its epochs."""
    dataset = sound.dataset
    device = pick_device(config)
    autocast = mixed_precision(config, device)
    loss = partial(loss_of, config=config)

    # What is trained, and its running mean, which is what is kept.
    torch.manual_seed(_seed(config.seed, run.number))
    front_end = FrontEnd(config.picture).to(device)
    network = models.build(config.network, len(dataset.labels), config.picture).to(device)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = AveragedModel(network, avg_fn=partial(running_mean, decay=config.averaging), use_buffers=True)
    classifier = classifier_of(front_end, averaged.module, dataset.window, dataset.sample_rate)

    # Norms and biases are not decayed: they are few, and at zero they would silence a channel.
    matrices = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate)
    data = TrainingData(sound, run.split.train, config)
    steps = config.epochs * data.batches_per_epoch

    # Go on where an earlier call was stopped.
    path, name = work_dir / f"checkpoint-{run.number}.pt", fingerprint(dataset, config, network)
    epochs: list[Progress] = []
    step = 0
    if state := load_checkpoint(path, name):
        network.load_state_dict(state["network"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        epochs = [Progress.model_validate(each) for each in state["epochs"]]
        step = len(epochs) * data.batches_per_epoch
        report(epochs[-1])  # it may have been stopped before it could

    for epoch in range(len(epochs), config.epochs):
        began = time.monotonic()
        generator = torch.Generator(device).manual_seed(_seed(config.seed, run.number, epoch))
        torch.manual_seed(_seed(config.seed, run.number, epoch))
        network.train()
        losses = []
        for batch in data.epoch((config.seed, run.number, epoch)):
            should_stop()
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * rate_at(step / steps, config.warm_up)
            with torch.no_grad():
                arrays = batch.windows, batch.targets, batch.noise
                windows, targets, noise = (torch.from_numpy(array).to(device) for array in arrays)
                windows, targets = augment_sound(
                    windows, targets, noise, config.augment, dataset.sample_rate, generator
                )
                pictures = augment_pictures(front_end(windows), config.augment, generator)
            with autocast:
                logits = network(pictures.contiguous(memory_format=torch.channels_last))
            cost = loss(logits.float(), targets)
            losses.append(cost.item())
            if not math.isfinite(losses[-1]):
                raise TrainingDiverged(
                    f"The loss of {run.name} became {losses[-1]} in epoch {epoch + 1}.",
                    hint="Lower the learning rate, or set the precision to float32.",
                )
            optimizer.zero_grad()
            cost.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), config.gradient_norm)
            optimizer.step()
            averaged.update_parameters(network)
            step += 1

        classifier.eval()
        with autocast:
            val_loss, val_top1 = validate(classifier, sound, run.split.test, loss)
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
                learning_rate=optimizer.param_groups[0]["lr"],
                seconds=time.monotonic() - began,
            )
        )
        save_checkpoint(
            path,
            {
                "fingerprint": name,
                "network": network.state_dict(),
                "averaged": averaged.state_dict(),
                "optimizer": optimizer.state_dict(),
                "epochs": [each.model_dump() for each in epochs],
            },
        )
        report(epochs[-1])

    return classifier.eval(), epochs


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


def running_mean(mean: Tensor, current: Tensor, updates: Tensor | int, *, decay: float) -> Tensor:
    """Exponential mean of weights and statistics; faster at first, so that short runs forget their random start."""
    if not mean.is_floating_point():
        return current
    n = float(updates)
    return torch.lerp(mean, current, 1.0 - min(decay, (1.0 + n) / (10.0 + n)))


def rate_at(done: float, warm_up: float) -> float:
    """Factor of the learning rate after a share `done` of all steps: a linear rise, then half a cosine down to 0."""
    if done < warm_up:
        return max(done, 1e-3) / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (done - warm_up) / (1.0 - warm_up)) if warm_up < 1 else 1.0


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
