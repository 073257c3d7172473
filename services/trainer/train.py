"""One training, from a frozen dataset to a judged model file: cross-validate by recordist, train the final network.

`train` knows no database and no queue: it reads a frozen dataset, writes into one folder, and can be killed and called
again with the same arguments at any moment.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from services.trainer.config import TrainingConfig
from services.trainer.data import AudioPath, Sound
from services.trainer.evaluate import evaluate
from services.trainer.fit import Order, Report, ShouldStop, fit
from services.trainer.frozen_dataset import Dataset
from services.trainer.heard import Heard
from services.trainer.listen import listen
from services.trainer.machine import compute_repeatably, pick_device, process_count
from services.trainer.memory import memory_explained
from services.trainer.pictures import make_pictures
from services.trainer.plan import check, plan
from services.trainer.pretrained import heard_before, read_pretrained, require_same_front_end
from services.trainer.processes import in_processes
from services.trainer.progress import Progress
from services.trainer.publish import TrainedModel, publish
from services.trainer.unknown import Strangers, UnknownSet
from services.trainer.world import World


def train(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    audio_path: AudioPath,
    work_dir: Path,
    report: Report,
    should_stop: ShouldStop,
    unknown: Sequence[UnknownSet] = (),
    start: Path | None = None,
    tensorboard: Path | None = None,
    pictures_dir: Path | None = None,
) -> TrainedModel:
    """Train as `config` says and leave model.pt, card.md, curves.png and confusion.png in `work_dir`.

    `audio_path` turns a storage key into the path of a prepared WAV; it is pickled where several processes train.
    `report` hears of every epoch; `should_stop` is called at least twice a second and may raise to interrupt: then
    `best.pt` holds the best weights so far. The trained networks hear `unknown` too and are never trained on it.
    `start` is the file that `config.start_from` names. Figures for TensorBoard go to `tensorboard`; precomputed
    pictures are kept in `pictures_dir`, for other trainings too. Called again with the same dataset, configuration and
    folder, the run goes on after its last epoch. Raises InvalidInput when the dataset cannot train a classifier,
    TooLittleMemory, TrainingDiverged, ExportFailed, StorageFull.
    """
    check(dataset, config)
    order = Order(dataset, config, audio_path, work_dir, start, tensorboard, tuple(unknown), pictures_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    if (count := process_count(config)) > 1:
        return in_processes(count, pick_device(config), partial(carry_out, order), report, should_stop)
    return carry_out(order, World(pick_device(config)), report, should_stop)


def carry_out(order: Order, world: World, report: Report, should_stop: ShouldStop) -> TrainedModel:
    """One process's part in a training; all of them come back with what the first one has written."""
    dataset, config = order.dataset, order.config
    if config.threads or world.size > 1:
        torch.set_num_threads(max(1, (config.threads or torch.get_num_threads()) // world.size))
    compute_repeatably(world.device)
    sound = Sound(dataset, order.audio_path)
    runs = plan(dataset, config)
    warnings = list(dict.fromkeys(warning for run in runs for warning in run.split.warnings))
    pretrained = read_pretrained(order.start) if order.start else None
    if pretrained:
        require_same_front_end(pretrained, config)
        warnings += heard_before(pretrained, dataset, runs, allowed=config.allow_overlap)
    precomputed = None
    if config.pictures == "precomputed":
        pictures_dir = order.pictures_dir or order.work_dir / "pictures"
        precomputed = make_pictures(sound, config, pictures_dir, report, should_stop)
    history: dict[str, list[Progress]] = {}
    heard: list[Heard] = []
    strangers = Strangers(order.unknown, dataset, order.audio_path, config.activation)
    for run in runs:
        with memory_explained(config):
            classifier, history[run.name] = fit(
                run, len(runs), order, sound, precomputed, pretrained, world, report, should_stop
            )
            heard += world.gather(listen(classifier, sound, world.mine(run.split.test), should_stop, run.fold or 0))
            strangers.listen(classifier, run.fold, world, should_stop)
    warnings += strangers.warnings

    def finish() -> TrainedModel:
        report(Progress(stage="evaluate", fraction=0.99, message="Judging the held-out recordings"))
        evaluation = (
            evaluate(heard, len(dataset.labels), config.activation, strangers.heard, config.seed) if heard else None
        )
        if evaluation is None:
            warnings.append("No recording could be held out, so the accuracy of this model is unknown.")
        report(Progress(stage="export", fraction=0.995, message="Writing and proving the model file"))
        trained = publish(
            classifier, sound, config, runs[-1].learnt_from, evaluation, history, warnings, order.work_dir, pretrained
        )
        report(Progress(stage="export", fraction=1.0, message="Done"))
        return trained

    return world.first(finish)
