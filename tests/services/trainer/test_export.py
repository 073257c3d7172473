"""The export gate: a file counts only when a process without the trainer's code gives the same numbers."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from services.trainer import export as exporting
from services.trainer import models
from services.trainer.classifier import RecordingClassifier, classifier_of
from services.trainer.export import ExportFailed, export
from shared.audio.constants import SAMPLE_RATE, WINDOW_SAMPLES
from shared.audio.frontend import FrontEnd
from shared.model_file import DatasetReference, Label, ModelManifest, load
from tests.services.trainer.conftest import SMALL_PICTURE, song


def manifest() -> ModelManifest:
    return ModelManifest(
        name="wren",
        version="1",
        created=datetime.now(UTC),
        network="wren",
        labels=(Label(scientific="a"), Label(scientific="b"), Label(scientific="c")),
        sample_rate=SAMPLE_RATE,
        window_seconds=5.0,
        step_seconds=2.5,
        front_end=SMALL_PICTURE.model_dump(mode="json"),
        activation="softmax",
        dataset=DatasetReference(id="d", sha256="0" * 64, recordings=1, slices=1),
    )


@pytest.fixture
def classifier() -> RecordingClassifier:
    torch.manual_seed(0)
    network = models.build("wren", 3, SMALL_PICTURE)
    return classifier_of(FrontEnd(SMALL_PICTURE), network, WINDOW_SAMPLES, SAMPLE_RATE).eval()


CLIPS = np.stack([song(900.0 * (n + 1), WINDOW_SAMPLES, n) for n in range(4)])
RECORDING = song(1_200.0, WINDOW_SAMPLES * 2 + 777, 9)


def test_an_exported_model_runs_with_torch_alone(classifier: RecordingClassifier, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    written = export(classifier, manifest(), path, windows=CLIPS, waveform=RECORDING)
    loaded = load(path)
    assert loaded.manifest == written
    with torch.inference_mode():
        logits = loaded.module.analyse(torch.from_numpy(RECORDING), 2.5)
        expected = classifier.analyse(torch.from_numpy(RECORDING), 2.5)
    assert logits.shape == (4, 3)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)


def test_a_file_that_gives_other_numbers_is_not_left_behind(
    classifier: RecordingClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.pt"
    alone = exporting._run_alone
    monkeypatch.setattr(exporting, "_run_alone", lambda *arguments: tuple(a + 0.1 for a in alone(*arguments)))
    with pytest.raises(ExportFailed, match=r"forward differs.*largest difference 0\.1"):
        export(classifier, manifest(), path, windows=CLIPS, waveform=RECORDING)
    assert not path.exists()


def test_a_model_that_needs_our_code_does_not_pass(
    classifier: RecordingClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.pt"
    monkeypatch.setattr(exporting, "_GATE", exporting._GATE + "\nimport shared.audio.frontend\n")
    with pytest.raises(ExportFailed, match="shared"):
        export(classifier, manifest(), path, windows=CLIPS, waveform=RECORDING)
    assert not path.exists()
