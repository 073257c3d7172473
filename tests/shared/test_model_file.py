"""The model file: what is written is what is read, and what is not ours is refused with a reason."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from services.trainer.classifier import Classifier
from services.trainer.export import script
from shared.audio.slices import pad_window, windows
from shared.errors import ModelFileError
from shared.model_file import (
    DatasetReference,
    Label,
    LoadedModel,
    Metric,
    ModelManifest,
    activate,
    confidences,
    load,
    rank,
    read_manifest,
    sha256_of,
    write_model,
)
from shared.rejection import Rejection, UnknownSounds

WINDOW, RATE = 100, 20


class Sums(torch.nn.Module):
    """A network whose logits show which samples it was given: their sum and their first one."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.scale * torch.stack([pictures.sum(dim=1), pictures[:, 0]], dim=1)


def manifest(**changes: Any) -> ModelManifest:
    fields: dict[str, Any] = {
        "name": "sums",
        "version": "1",
        "created": datetime(2024, 5, 1, tzinfo=UTC),
        "network": "sums",
        "labels": (Label(scientific="Avis prima", common="First"), Label(scientific="Avis secunda", common="Second")),
        "sample_rate": RATE,
        "window_seconds": WINDOW / RATE,
        "step_seconds": WINDOW / RATE / 2,
        "front_end": {"name": "none"},
        "activation": "softmax",
        "dataset": DatasetReference(id="d", sha256="0" * 64, recordings=1, slices=1),
    }
    return ModelManifest(**{**fields, **changes})


def classifier() -> Classifier:
    return Classifier(torch.nn.Identity(), Sums(), WINDOW, RATE)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "sums-1.pt"
    write_model(path, script(classifier()), manifest())
    return path


def test_the_manifest_is_read_back_as_it_was_written(model: Path) -> None:
    read = read_manifest(model)
    assert read.model_copy(update={"weights_sha256": "0" * 64}) == manifest()
    assert read.weights_sha256 != "0" * 64
    assert [path.name for path in model.parent.iterdir()] == [model.name]


def test_a_manifest_from_before_rejection_and_figures_by_fold_is_read_as_it_is() -> None:
    content = manifest(metrics={"top1": Metric(value=0.5, low=0.4, high=0.6)}).model_dump(mode="json")
    del content["rejection"], content["metrics"]["top1"]["folds"]
    read = ModelManifest.model_validate_json(json.dumps(content))
    assert read.rejection is None
    assert read.metrics["top1"].folds == ()


def test_how_to_refuse_unknown_sounds_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    share = Metric(value=0.9, low=0.8, high=0.95, folds=(0.88, 0.92))
    rain = UnknownSounds(
        name="rain",
        dataset_sha256="1" * 64,
        recordings=40,
        auroc=share,
        slice_auroc=None,
        refused=share,
        slices_refused=None,
    )
    rejection = Rejection(
        recording_threshold=3.1, window_threshold=2.9, wanted=0.95, kept=share, slices_kept=share, unknown=(rain,)
    )
    write_model(tmp_path / "sums-2.pt", script(classifier()), manifest(rejection=rejection))
    assert read_manifest(tmp_path / "sums-2.pt").rejection == rejection


def test_a_loaded_model_answers_like_the_one_that_was_written(model: Path) -> None:
    loaded = load(model, sha256_of(model))
    given = torch.randn(3, WINDOW)
    assert isinstance(loaded, LoadedModel)
    torch.testing.assert_close(loaded.module(given), classifier()(given))


@pytest.mark.parametrize("samples", [1, 37, WINDOW - 1, WINDOW, WINDOW + 1, 151, 5 * WINDOW, 40 * WINDOW + 3])
def test_analyse_sees_the_windows_that_slicing_makes(model: Path, samples: int) -> None:
    waveform = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    step = 30
    expected = np.stack(
        [pad_window(waveform[start : start + WINDOW], WINDOW) for start in windows(samples, window=WINDOW, step=step)]
    )
    module = load(model).module
    got = module.analyse(torch.from_numpy(waveform), step / RATE)
    torch.testing.assert_close(got, module(torch.from_numpy(expected)))


@pytest.mark.parametrize(("samples", "step"), [(0, 1.0), (50, 0.0), (50, 5.1), (50, -1.0)])
def test_analyse_refuses_nothing_to_hear_and_steps_that_leave_gaps(model: Path, samples: int, step: float) -> None:
    with pytest.raises(torch.jit.Error, match="needs samples"):
        load(model).module.analyse(torch.zeros(samples), step)


def test_a_changed_file_is_not_loaded(model: Path) -> None:
    expected = sha256_of(model)
    with model.open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelFileError, match="has changed"):
        load(model, expected)


def test_weights_that_are_not_the_manifest_s_are_refused(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.pt", tmp_path / "wrong.pt"
    other = classifier()
    with torch.no_grad():
        other.network.scale.fill_(3.0)
    write_model(right, script(classifier()), manifest())
    write_model(wrong, script(other), manifest())
    forged = tmp_path / "forged.pt"
    with zipfile.ZipFile(wrong) as source, zipfile.ZipFile(right) as honest, zipfile.ZipFile(forged, "w") as target:
        for info in source.infolist():
            content = source.read(info)
            if info.filename.endswith("extra/model.json"):
                content = honest.read("right/extra/model.json")
            target.writestr(info.filename.replace("wrong/", "forged/"), content)
    with pytest.raises(ModelFileError, match="not those of its manifest"):
        load(forged)


def _plain_script(path: Path) -> None:
    torch.jit.save(script(classifier()), str(path))


def _zip_with(path: Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "There is no model file"),
        (lambda path: path.write_bytes(b""), "no TorchScript archive"),
        (lambda path: path.write_bytes(b"RIFF" + bytes(1000)), "no TorchScript archive"),
        (lambda path: path.mkdir(), "no TorchScript archive"),
        (lambda path: _zip_with(path, "a.txt", b"hello"), "holds no model.json"),
        (lambda path: _zip_with(path, "a/extra/model.json", b"{"), "does not fit"),
        (lambda path: _zip_with(path, "a/extra/model.json", b'{"format_version": 2}'), "format_version"),
        (lambda path: _zip_with(path, "a/b/extra/model.json", b"{}"), "holds no model.json"),
    ],
    ids=["absent", "empty", "sound", "folder", "other zip", "broken json", "future format", "nested"],
)
def test_what_is_no_model_file_is_refused_with_a_reason(tmp_path: Path, make: Any, reason: str) -> None:
    path = tmp_path / "x.pt"
    make(path)
    with pytest.raises(ModelFileError, match=reason) as caught:
        read_manifest(path)
    assert caught.value.hint


def test_a_torchscript_archive_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        _plain_script(tmp_path / "plain.pt")
    with pytest.raises(ModelFileError, match=r"holds no model\.json"):
        load(tmp_path / "plain.pt")


def test_an_archive_that_only_claims_to_be_a_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "claims.pt"
    _zip_with(path, "claims/extra/model.json", manifest().model_dump_json().encode())
    with pytest.raises(ModelFileError, match="torch cannot load"):
        load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": (Label(scientific="A"), Label(scientific="A"))},
        {"labels": (Label(scientific="A"),)},
        {"thresholds": {"Avis quarta": 0.5}},
        {"name": "../evil"},
        {"temperature": 0.0},
        {"created": datetime(2024, 5, 1)},
    ],
)
def test_a_manifest_that_contradicts_itself_cannot_be_made(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        manifest(**changes)


def test_softmax_confidences_sum_to_one_and_temperature_softens_them() -> None:
    logits = np.array([[1000.0, 998.0], [-3.0, -3.0]])
    sharp = confidences(logits, manifest())
    soft = confidences(logits, manifest(temperature=2.0))
    np.testing.assert_allclose(sharp.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(sharp[0, 0], 1 / (1 + np.exp(-2.0)), rtol=1e-5)
    np.testing.assert_allclose(soft[0, 0], 1 / (1 + np.exp(-1.0)), rtol=1e-5)
    assert sharp.dtype == np.float32


def test_sigmoid_confidences_are_each_species_own_and_never_overflow() -> None:
    with np.errstate(all="raise"):
        got = activate(np.array([[0.0, 800.0, -800.0]]), "sigmoid", 1.0)
    np.testing.assert_allclose(got, [[0.5, 1.0, 0.0]], atol=1e-6)


def test_a_recording_is_ranked_by_its_three_best_windows() -> None:
    window_confidences = np.array([[0.9, 0.1], [0.6, 0.1], [0.3, 0.1], [0.0, 0.1]])
    np.testing.assert_allclose(rank(window_confidences), [0.6, 0.1], rtol=1e-6)
    np.testing.assert_allclose(rank(window_confidences[:2]), [0.75, 0.1], rtol=1e-6)
    with pytest.raises(ValueError, match="one window"):
        rank(np.zeros((0, 2)))
