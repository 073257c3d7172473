"""The figures of an evaluation, against answers that can be counted by hand."""

import numpy as np
import pytest

from services.trainer.evaluate import (
    Heard,
    best_threshold,
    calibration_error,
    evaluate,
    fit_temperature,
    macro,
    top_k,
    with_interval,
)


def heard(index: int, label: int, *windows: list[float]) -> Heard:
    return Heard(index, label, np.array(windows, dtype=np.float32))


def test_top_k_and_macro_count_recordings_and_species() -> None:
    scores = np.array([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.1, 0.2, 0.7], [0.2, 0.5, 0.3]])
    labels = np.array([0, 1, 0, 0])
    assert top_k(scores, labels, 1).tolist() == [True, False, False, False]
    assert top_k(scores, labels, 2).tolist() == [True, True, False, False]
    assert top_k(scores, labels, 3).all()
    assert macro(np.array([True, False, True, True]), labels) == pytest.approx(0.5)


def test_an_evaluation_of_two_species() -> None:
    result = evaluate(
        [heard(0, 0, [3, 0], [2, 0]), heard(1, 0, [0, 3], [0, 1], [4, 0]), heard(2, 1, [0, 2])], 2, "softmax"
    )
    assert result.metrics["top1"].value == pytest.approx(2 / 3)
    assert result.metrics["macro_top1"].value == pytest.approx(0.75)
    assert result.metrics["top5"].value == 1.0
    assert result.metrics["window_top1"].value == pytest.approx((1 + 1 / 3 + 1) / 3)
    assert result.confusion.tolist() == [[1, 1], [0, 1]]
    assert result.species[0].recordings == 2
    assert result.species[0].top1 == 0.5


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for trial in range(60):
        hits = generator.random(80) < 0.6
        metric = with_interval(lambda chosen, hits=hits: float(hits[chosen].mean()), 80, seed=trial)  # type: ignore[misc]
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low <= metric.value <= metric.high
        covered += metric.low <= 0.6 <= metric.high
    assert 50 <= covered <= 60


def test_the_fitted_temperature_undoes_overconfidence() -> None:
    generator = np.random.default_rng(0)
    logits = generator.standard_normal((4_000, 5)) * 2
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (chances.cumsum(axis=1) > generator.random((4_000, 1))).argmax(axis=1)
    answers = [heard(i, int(label), list(3.0 * row)) for i, (row, label) in enumerate(zip(logits, labels, strict=True))]
    assert fit_temperature(answers, "softmax") == pytest.approx(3.0, rel=0.1)
    result = evaluate(answers[:500], 5, "softmax")
    assert result.metrics["ece"].value < 0.5 * result.metrics["ece_before"].value


def test_sigmoid_temperature_is_fitted_to_each_species_by_itself() -> None:
    generator = np.random.default_rng(0)
    logits = generator.standard_normal((4_000, 1))
    present = generator.random((4_000, 1)) < 1 / (1 + np.exp(-logits))
    answers = [
        heard(i, 0 if is_there else 1, [2.0 * float(row[0]), -2.0 * float(row[0])])
        for i, (row, is_there) in enumerate(zip(logits, present[:, 0], strict=True))
    ]
    assert fit_temperature(answers, "sigmoid") == pytest.approx(2.0, rel=0.15)


def test_calibration_error_is_the_gap_between_said_and_found() -> None:
    scores = np.tile([0.9, 0.1], (10, 1))
    assert calibration_error(scores, np.array([0] * 9 + [1])) == pytest.approx(0.0, abs=1e-9)
    assert calibration_error(scores, np.array([0] * 4 + [1] * 6)) == pytest.approx(0.5)


def test_the_threshold_lies_between_right_and_wrong_answers() -> None:
    scores = np.array([[0.8, 0.3], [0.35, 0.7], [0.75, 0.2]])
    assert 0.35 < best_threshold(scores, np.array([0, 1, 0])) <= 0.7
