"""An evaluation as a whole: honest where it was fitted, complete where something is missing."""

import numpy as np
import pytest

from services.trainer.evaluate import evaluate
from services.trainer.heard import Heard
from tests.services.trainer.hearing import crowd, heard


def test_an_evaluation_of_two_species() -> None:
    result = evaluate(
        [heard(0, 0, [3, 0], [2, 0]), heard(1, 0, [0, 3], [0, 1], [4, 0]), heard(2, 1, [0, 2])], 2, "softmax"
    )
    assert result.metrics["top1"].value == pytest.approx(2 / 3)
    assert result.metrics["macro_top1"].value == pytest.approx(0.75)
    assert result.metrics["top5"].value == 1.0
    assert result.metrics["slice_top1"].value == pytest.approx(4 / 6)
    assert result.confusion.tolist() == [[1, 1], [0, 1]]
    assert result.species[0].recordings == 2
    assert result.species[0].top1.value == 0.5
    assert (result.recordings, result.slices) == (3, 6)


def test_figures_have_intervals_and_the_folds_by_themselves() -> None:
    result = evaluate(crowd(90, 3), 3, "softmax")
    for name in ("top1", "macro_top1", "cmap", "auroc", "f1_macro", "f1_micro", "slice_cmap", "slice_f1_macro"):
        metric = result.metrics[name]
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low <= metric.value <= metric.high
        assert len(metric.folds) == 3
    assert np.mean(result.metrics["top1"].folds) == pytest.approx(result.metrics["top1"].value, abs=1e-6)


def test_labels_by_chance_show_no_skill_however_much_is_fitted() -> None:
    answers = crowd(240, 8, skill=0.0)
    assert evaluate(answers, 8, "softmax").metrics["auroc"].value == pytest.approx(0.5, abs=0.06)


def test_what_is_reported_was_fitted_elsewhere_and_what_is_shipped_on_all() -> None:
    answers = crowd(120, 4, skill=3.0)
    # The network of one fold is far too sure of itself, so what fits it fits no other.
    loud = [Heard(h.recording, h.label, h.logits * (6 if h.fold == 0 else 1), fold=h.fold) for h in answers]
    mixed = evaluate(loud, 4, "softmax")
    same = evaluate([Heard(h.recording, h.label, h.logits, fold=h.fold) for h in answers], 4, "softmax")
    assert mixed.cross_fitted
    assert mixed.calibration.temperature > same.calibration.temperature
    assert mixed.metrics["ece"].value > same.metrics["ece"].value


def test_calibration_helps_an_overconfident_network() -> None:
    answers = [Heard(h.recording, h.label, h.logits[:1] * 4, fold=h.fold) for h in crowd(400, 5, skill=1.0)]
    metrics = evaluate(answers, 5, "softmax").metrics
    assert metrics["ece"].value < 0.5 * metrics["ece_before"].value
    assert metrics["slice_ece"].value < 0.5 * metrics["slice_ece_before"].value


def test_one_recording_alone_can_be_judged() -> None:
    result = evaluate([heard(0, 1, [0, 1])], 2, "sigmoid")
    assert result.metrics["top1"].value == 1.0
    assert "auroc" not in result.metrics
    assert not result.cross_fitted
