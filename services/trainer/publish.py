"""The end of a run: the proven model file, its manifest, and what lies beside it: other formats, card and pictures."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from services.trainer.calibrate import DEFAULT_THRESHOLD
from services.trainer.card import render_card
from services.trainer.classifier import Classifier
from services.trainer.config import TrainingConfig
from services.trainer.data import Sound
from services.trainer.evaluate import Evaluation
from services.trainer.evaluation_plots import draw_reliability, draw_species, draw_unknown
from services.trainer.export import export
from services.trainer.frozen_dataset import Dataset
from services.trainer.plots import draw_confusion, draw_curves
from services.trainer.predictions import predictions_of
from services.trainer.pretrained import Pretrained
from services.trainer.progress import Progress
from services.trainer.proof import Samples
from shared.audio.constants import STEP_SECONDS
from shared.audio.wav import read_prepared
from shared.model_file import BESIDE, DatasetReference, ModelManifest, RecordingCredit

EXPORT_CLIPS = 64
"""Windows of real sound that every format is proved on."""
EXPORT_SECONDS = 60


@dataclass(frozen=True)
class TrainedModel:
    """What a run leaves in its folder."""

    model: Path
    manifest: ModelManifest
    beside: dict[str, Path]
    """The other files, by their names in `BESIDE`. What is no file of every model: pictures and
    predictions of an evaluation, where no recording could be held out, and of unknown sounds, where none were given."""
    warnings: list[str]


def publish(
    classifier: Classifier,
    sound: Sound,
    config: TrainingConfig,
    train: Sequence[int],
    evaluation: Evaluation | None,
    history: Mapping[str, Sequence[Progress]],
    warnings: list[str],
    work_dir: Path,
    pretrained: Pretrained | None = None,
) -> TrainedModel:
    """Write everything into `work_dir`. `train` are the recordings that the final network learnt from."""
    dataset = sound.dataset
    model = work_dir / "model.pt"
    windows, waveform = real_clips(sound, train)
    manifest = describe(dataset, config, train, evaluation, pretrained)
    exported = export(classifier, manifest, model, windows=windows, waveform=waveform)
    beside = dict(exported.beside)
    beside["curves"] = work_dir / BESIDE["curves"]
    draw_curves(beside["curves"], history)
    if evaluation is not None:
        beside |= _picture(evaluation, dataset.names, work_dir)
        beside["predictions"] = work_dir / BESIDE["predictions"]
        beside["predictions"].write_text(predictions_of(evaluation, dataset).model_dump_json(), encoding="utf-8")
    warnings = [*warnings, *exported.warnings]
    beside["card"] = work_dir / BESIDE["card"]
    card = render_card(exported.manifest, evaluation, warnings, exported.in_words())
    beside["card"].write_text(card, encoding="utf-8")
    return TrainedModel(model, exported.manifest, beside, warnings)


def _picture(evaluation: Evaluation, names: Sequence[str], work_dir: Path) -> dict[str, Path]:
    """What there is to see of an evaluation, by its names in `BESIDE`."""
    drawn = {kind: work_dir / BESIDE[kind] for kind in ("confusion", "reliability", "species")}
    draw_confusion(drawn["confusion"], evaluation.confusion, names)
    draw_reliability(drawn["reliability"], evaluation.reliability_before, evaluation.reliability)
    draw_species(drawn["species"], evaluation.species, names, evaluation.metrics["macro_top1"])
    if evaluation.rejection.unknown:
        drawn["unknown"] = work_dir / BESIDE["unknown"]
        draw_unknown(drawn["unknown"], evaluation.rejection, evaluation.rejection_curves)
    return drawn


def describe(
    dataset: Dataset,
    config: TrainingConfig,
    train: Sequence[int],
    evaluation: Evaluation | None,
    pretrained: Pretrained | None = None,
) -> ModelManifest:
    """The manifest, complete but for the hash of the weights.

    Its recordings are also those of the model that the training started from: what that one has heard is in the
    weights of this one, and its recordists are owed the same thanks.
    """
    recordings = [*(dataset.recordings[i] for i in train), *(r for r in dataset.recordings if r.background)]
    own = [
        RecordingCredit(sha256=r.sha256, xc_id=r.xc_id, recordist=r.recordist, licence=r.licence, species=r.label)
        for r in recordings
    ]
    inherited = pretrained.manifest.recordings if pretrained else ()
    return ModelManifest(
        name=config.name,
        version=config.version,
        created=datetime.now(UTC),
        network=config.network,
        labels=dataset.labels,
        sample_rate=dataset.sample_rate,
        window_seconds=dataset.window / dataset.sample_rate,
        step_seconds=STEP_SECONDS,
        front_end=config.picture.model_dump(mode="json"),
        activation=config.activation,
        temperature=evaluation.calibration.temperature if evaluation else 1.0,
        thresholds=evaluation.calibration.by_name(dataset.names) if evaluation else {},
        default_min_confidence=evaluation.calibration.common if evaluation else DEFAULT_THRESHOLD,
        metrics=evaluation.metrics if evaluation else {},
        rejection=evaluation.rejection if evaluation else None,
        dataset=DatasetReference(
            id=dataset.id,
            sha256=dataset.sha256,
            recordings=len({r.sha256 for r in recordings}),
            slices=sum(len(r.slices) for r in recordings),
        ),
        recordings=tuple(dict.fromkeys([*own, *inherited])),
        libraries={"torch": torch.__version__, "numpy": np.__version__, **_own_version()},
        training=config.as_json() | ({"start_from": pretrained.as_json()} if pretrained else {}),
    )


def real_clips(sound: Sound, train: Sequence[int]) -> tuple[Samples, Samples]:
    """Real sound to prove the export on: windows from as many recordings as there are, and the longest up to a minute.

    Where there are fewer than EXPORT_CLIPS recordings, several windows of each: its slices, then any part of it.
    """
    recordings = sound.dataset.recordings
    chosen = [train[n] for n in np.linspace(0, len(train) - 1, min(EXPORT_CLIPS, len(train))).astype(int)]
    turns = -(-EXPORT_CLIPS // len(chosen))
    windows = []
    for i in chosen:
        slices = recordings[i].slices[:turns]
        missing = turns - len(slices)
        spread = [recordings[i].samples * n // (missing + 1) for n in range(1, missing + 1)]
        windows += [sound.at(i, start) for start in (*slices, *spread)]
    longest = max(train, key=lambda i: recordings[i].samples)
    return np.stack(windows), read_prepared(sound.path(longest), 0, EXPORT_SECONDS * sound.dataset.sample_rate)


def _own_version() -> dict[str, str]:
    try:
        return {"chiffchaff": importlib.metadata.version("chiffchaff")}
    except importlib.metadata.PackageNotFoundError:
        return {}
