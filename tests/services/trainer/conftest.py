"""A small garden of synthetic birds, each with its own pitch, recorded by several people."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.trainer.config import AugmentConfig, TrainingConfig
from services.trainer.frozen_dataset import Dataset, Recording
from shared.audio.constants import SAMPLE_RATE, WINDOW_SAMPLES
from shared.audio.frontend_config import FrontEndConfig
from shared.audio.wav import PreparedWriter
from shared.model_file import Label

BIRDS = {"Avis prima": 900.0, "Avis secunda": 2_200.0, "Avis tertia": 4_800.0}

SMALL_PICTURE = FrontEndConfig(
    name="small", n_fft=512, hop=512, n_mels=32, fmin=150, fmax=11_025, compression="log", normalisation="sliding"
)

QUIET = AugmentConfig()
"""Nothing is changed."""


def song(pitch: float, samples: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Notes of 0.1 s, five a second, in faint noise."""
    generator = np.random.default_rng(seed)
    at = np.arange(samples) / SAMPLE_RATE
    notes = np.sin(2 * np.pi * pitch * at) * ((at * 5) % 1 < 0.5)
    return (0.3 * notes + 0.01 * generator.standard_normal(samples)).astype(np.float32)


def write_prepared(path: Path, samples: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    with path.open("wb") as file:
        writer = PreparedWriter(file)
        writer.write(samples)
        writer.finish()


@pytest.fixture
def garden(tmp_path: Path) -> Callable[..., Dataset]:
    """Makes a dataset: `garden(birds, people)` has each of the first `birds` species once by each person."""

    def make(birds: int = 3, people: int = 4, **changes: Any) -> Dataset:
        recordings = []
        for person in range(people):
            for number, (name, pitch) in enumerate(list(BIRDS.items())[:birds]):
                key = f"{name.replace(' ', '-')}-{person}.wav"
                samples = WINDOW_SAMPLES // 2 if person == 0 else WINDOW_SAMPLES + 20_000 * person
                write_prepared(tmp_path / key, song(pitch * (1 + 0.03 * person), samples, seed=10 * person + number))
                recordings.append(
                    Recording(
                        sha256=f"{person}{number}" + "0" * 62,
                        audio=key,
                        samples=samples,
                        label=name,
                        recordist=f"Person {person}",
                        licence="CC BY 4.0",
                        xc_id=f"10{person}{number}",
                        fold=person % 2,
                        slices=(0,),
                        noise=(0,) if person == 1 else (),
                    )
                )
        labels = tuple(Label(scientific=name, common=name.split()[1].title()) for name in list(BIRDS)[:birds])
        return Dataset(**{"id": "synthetic", "labels": labels, "recordings": tuple(recordings), **changes})

    return make


@pytest.fixture
def audio_path(tmp_path: Path) -> Callable[[str], Path]:
    return lambda key: tmp_path / key


@pytest.fixture
def model_file_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings leave out `.pt2` and ONNX, which take seconds, in tests of something else."""
    monkeypatch.setattr("services.trainer.export.EXCHANGE", {})


def small_config(**changes: Any) -> TrainingConfig:
    """A training of seconds."""
    return TrainingConfig(
        **{
            "name": "synthetic",
            "front_end": SMALL_PICTURE,
            "epochs": 3,
            "batch_size": 4,
            "min_batches": 3,
            "folds": 0,
            "threads": 1,
            "device": "cpu",
            "averaging": 0.5,
            "augment": QUIET.model_copy(update={"time_shift": 0.5}),
            **changes,
        }
    )
