"""The end of a run: the proven model file, its manifest, its card and its pictures."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from services.trainer.card import render_card
from services.trainer.classifier import Classifier, RecordingClassifier
from services.trainer.config import TrainingConfig
from services.trainer.data import Sound
from services.trainer.evaluate import Evaluation
from services.trainer.export import export
from services.trainer.frozen_dataset import Dataset
from services.trainer.plots import draw_confusion, draw_curves
from services.trainer.progress import Progress
from shared.audio.constants import STEP_SECONDS
from shared.audio.wav import read_prepared
from shared.model_file import DatasetReference, ModelManifest, RecordingCredit

EXPORT_CLIPS = 32
EXPORT_SECONDS = 60


@dataclass(frozen=True)
class TrainedModel:
    """What a run leaves in its folder."""

    model: Path
    manifest: ModelManifest
    card: Path
    curves: Path
    confusion: Path | None
    """`None` where no recording could be held out."""
    warnings: list[str]


def publish(
    classifier: Classifier | RecordingClassifier,
    sound: Sound,
    config: TrainingConfig,
    train: Sequence[int],
    evaluation: Evaluation | None,
    history: Mapping[str, Sequence[Progress]],
    warnings: list[str],
    work_dir: Path,
) -> TrainedModel:
    """Write everything into `work_dir`. `train` are the recordings that the final network learnt from."""
    dataset = sound.dataset
    model, card, curves = work_dir / "model.pt", work_dir / "card.md", work_dir / "curves.png"
    windows, waveform = _clips(sound, train)
    manifest = describe(dataset, config, train, evaluation)
    manifest = export(classifier, manifest, model, windows=windows, waveform=waveform)
    draw_curves(curves, history)
    confusion = None
    if evaluation is not None:
        confusion = work_dir / "confusion.png"
        draw_confusion(confusion, evaluation.confusion, dataset.names)
    card.write_text(render_card(manifest, evaluation, warnings), encoding="utf-8")
    return TrainedModel(model, manifest, card, curves, confusion, warnings)


def describe(
    dataset: Dataset, config: TrainingConfig, train: Sequence[int], evaluation: Evaluation | None
) -> ModelManifest:
    """The manifest, complete but for the hash of the weights."""
    recordings = [dataset.recordings[i] for i in train]
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
        temperature=evaluation.temperature if evaluation else 1.0,
        default_min_confidence=evaluation.min_confidence if evaluation else 0.1,
        metrics=evaluation.metrics if evaluation else {},
        dataset=DatasetReference(
            id=dataset.id,
            sha256=dataset.sha256,
            recordings=len({r.sha256 for r in recordings}),
            slices=sum(len(r.slices) for r in recordings),
        ),
        recordings=tuple(
            RecordingCredit(sha256=r.sha256, xc_id=r.xc_id, recordist=r.recordist, licence=r.licence, species=r.label)
            for r in recordings
        ),
        libraries={"torch": torch.__version__, "numpy": np.__version__, **_own_version()},
        training=config.as_json(),
    )


def _clips(sound: Sound, train: Sequence[int]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Real sound to prove the export on: up to 32 windows, and the longest recording up to a minute."""
    recordings = sound.dataset.recordings
    windows = [sound.at(i, recordings[i].slices[0]) for i in train[:: -(-len(train) // EXPORT_CLIPS)]]
    longest = max(train, key=lambda i: recordings[i].samples)
    return np.stack(windows), read_prepared(sound.path(longest), 0, EXPORT_SECONDS * sound.dataset.sample_rate)


def _own_version() -> dict[str, str]:
    try:
        return {"chiffchaff": importlib.metadata.version("chiffchaff")}
    except importlib.metadata.PackageNotFoundError:
        return {}
