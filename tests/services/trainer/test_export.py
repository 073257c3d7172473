"""The export gate: a file counts only when a process without the trainer's code gives the same numbers."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from services.trainer import models, proof
from services.trainer.classifier import Classifier, classifier_of
from services.trainer.export import Exported, ExportFailed, export
from shared.audio.constants import SAMPLE_RATE, WINDOW_SAMPLES
from shared.audio.frontend import ORIGINAL, FrontEnd, FrontEndConfig
from shared.model_file import DatasetReference, Label, ModelManifest, load
from tests.services.trainer.conftest import SMALL_PICTURE, song

REPOSITORY = Path(__file__).resolve().parents[3]
PAGE = (REPOSITORY / "docs" / "model-files.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
assert len(EXAMPLES) == 4


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


def make(front_end: FrontEndConfig = SMALL_PICTURE, network: str = "wren") -> Classifier:
    torch.manual_seed(0)
    built = models.build(network, 3, front_end).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return classifier_of(FrontEnd(front_end), built, WINDOW_SAMPLES, SAMPLE_RATE).eval()


@pytest.fixture
def classifier() -> Classifier:
    return make()


CLIPS = np.stack([song(900.0 * (n + 1), WINDOW_SAMPLES, n) for n in range(4)])
RECORDING = song(1_200.0, WINDOW_SAMPLES * 2 + 7_770, 9)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Exported, Path]:
    path = tmp_path_factory.mktemp("exported") / "model.pt"
    return export(make(), manifest(), path, windows=CLIPS, waveform=RECORDING), path


def test_an_exported_model_runs_with_torch_alone(exported: tuple[Exported, Path]) -> None:
    written, path = exported
    loaded, classifier = load(path), make()
    assert loaded.manifest == written.manifest
    with torch.inference_mode():
        logits = loaded.module.analyse(torch.from_numpy(RECORDING), 2.5)
        expected = classifier.analyse(torch.from_numpy(RECORDING), 2.5)
    assert logits.shape == (4, 3)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)


def test_pt2_and_onnx_lie_beside_it_with_its_numbers_and_its_manifest(exported: tuple[Exported, Path]) -> None:
    written, path = exported
    assert not written.warnings
    assert written.beside == {"pt2": path.with_name("model.pt2"), "onnx": path.with_name("model.onnx")}
    said = {"model.json": ""}
    with torch.inference_mode():
        expected = make()(torch.from_numpy(CLIPS)).numpy()
        program = torch.export.load(written.beside["pt2"], extra_files=said)
        logits = program.module()(torch.from_numpy(CLIPS)).numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)
    session = onnxruntime.InferenceSession(written.beside["onnx"])
    np.testing.assert_allclose(session.run(None, {"windows": CLIPS})[0], expected, rtol=1e-4, atol=1e-4)
    for text in (said["model.json"], session.get_modelmeta().custom_metadata_map["model.json"]):
        assert ModelManifest.model_validate_json(text) == written.manifest


def test_no_format_is_much_larger_than_the_weights(exported: tuple[Exported, Path]) -> None:
    written, path = exported
    weights = sum(value.nbytes for value in make().state_dict().values())
    for file in (path, *written.beside.values()):
        assert weights * 0.9 < file.stat().st_size < weights * 1.1 + 300_000, file.name


def test_no_file_says_where_it_was_made(exported: tuple[Exported, Path]) -> None:
    written, path = exported
    for file in (path, *written.beside.values()):
        assert str(REPOSITORY).encode() not in file.read_bytes(), file.name
        assert b"site-packages" not in file.read_bytes(), file.name


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_of_the_page_run_as_they_stand_there(exported: tuple[Exported, Path], example: str) -> None:
    _, path = exported
    script = f"{example}\nassert logits.shape == (4, 3)" if "logits" in example else example
    command = [sys.executable, "-I", "-W", "ignore", "-c", script]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "logits" in example or re.fullmatch(r"[abc] 0\.\d+\n", done.stdout)


@pytest.mark.parametrize("name", models.available())
def test_every_network_can_be_written_in_every_format(name: str, tmp_path: Path) -> None:
    written = export(make(ORIGINAL, name), manifest(), tmp_path / "model.pt", windows=CLIPS, waveform=RECORDING)
    assert not written.warnings
    assert set(written.differences) == {"model.pt", "model.pt2", "model.onnx"}
    assert max(written.differences.values()) < 1e-4


def test_a_file_that_gives_other_numbers_is_not_left_behind(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = proof._run_alone
    monkeypatch.setattr(
        proof, "_run_alone", lambda *given: {entry: logits + 0.1 for entry, logits in alone(*given).items()}
    )
    with pytest.raises(ExportFailed, match=r"model.pt gives other numbers.*\(forward\).*largest difference 0\.1"):
        export(classifier, manifest(), tmp_path / "model.pt", windows=CLIPS, waveform=RECORDING)
    assert not list(tmp_path.iterdir())


def test_a_model_that_needs_our_code_does_not_pass(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "_AFTER", "\nimport shared.audio.frontend\n")
    with pytest.raises(ExportFailed, match="shared"):
        export(classifier, manifest(), tmp_path / "model.pt", windows=CLIPS, waveform=RECORDING)
    assert not list(tmp_path.iterdir())


class NoExport(torch.nn.Module):
    """Takes another way for loud sound: TorchScript can say that, torch.export cannot."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        mean = pictures.mean(dim=(1, 2))[:, :3]
        return mean * 2.0 if bool(pictures.abs().max() > 1e3) else mean


def test_a_network_that_cannot_be_exported_still_becomes_a_model_with_a_warning(tmp_path: Path) -> None:
    classifier = Classifier(FrontEnd(SMALL_PICTURE), NoExport(), WINDOW_SAMPLES, SAMPLE_RATE).eval()
    written = export(classifier, manifest(), tmp_path / "model.pt", windows=CLIPS, waveform=RECORDING)
    assert list(written.differences) == ["model.pt"]
    assert not written.beside
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]
    for warning, file in zip(written.warnings, ("model.pt2", "model.onnx"), strict=True):
        assert warning.startswith(f"There is no {file} of this model: ")
        assert "data-dependent" in warning
        assert "\n" not in warning


def test_a_second_format_that_gives_other_numbers_is_left_out_with_a_warning(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "_RUN", {**proof._RUN, "onnx": proof._RUN["onnx"] + "\nlogits[-1] += 0.1\n"})
    written = export(classifier, manifest(), tmp_path / "model.pt", windows=CLIPS, waveform=RECORDING)
    assert set(written.beside) == {"pt2"}
    assert not (tmp_path / "model.onnx").exists()
    (warning,) = written.warnings
    assert "model.onnx gives other numbers than the trained network (forward)" in warning
