"""Temperature and thresholds: what they undo, and that nothing is judged on what it was fitted to."""

import numpy as np
import pytest

from services.trainer.calibrate import (
    LEAST_RECORDINGS,
    calibrate,
    choose_thresholds,
    cross_fit,
    fit_temperature,
    parts_of,
    reliability,
)
from services.trainer.heard import Heard, Table
from tests.services.trainer.hearing import crowd, heard, table_of


def test_the_fitted_temperature_undoes_overconfidence() -> None:
    generator = np.random.default_rng(0)
    logits = generator.standard_normal((4_000, 5)) * 2
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (chances.cumsum(axis=1) > generator.random((4_000, 1))).argmax(axis=1)
    answers = [heard(i, int(label), list(3.0 * row)) for i, (row, label) in enumerate(zip(logits, labels, strict=True))]
    assert fit_temperature(answers, "softmax") == pytest.approx(3.0, rel=0.1)


def test_sigmoid_temperature_is_fitted_to_each_species_by_itself() -> None:
    generator = np.random.default_rng(0)
    logits = generator.standard_normal((4_000, 1))
    present = generator.random((4_000, 1)) < 1 / (1 + np.exp(-logits))
    answers = [
        heard(i, 0 if is_there else 1, [2.0 * float(row[0]), -2.0 * float(row[0])])
        for i, (row, is_there) in enumerate(zip(logits, present[:, 0], strict=True))
    ]
    assert fit_temperature(answers, "sigmoid") == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_what_sings_in_the_background_does_not_pull_the_temperature(activation: str) -> None:
    answers = crowd(200, 4)
    shouting = [Heard(h.recording, h.label, h.logits + 9 * np.eye(4, dtype=np.float32)[2]) for h in answers]
    masked = [Heard(h.recording, h.label, h.logits, others=() if h.label == 2 else (2,)) for h in answers]
    louder = [Heard(h.recording, h.label, h.logits, others=m.others) for h, m in zip(shouting, masked, strict=True)]
    quiet = [h for h in masked if h.label != 2]
    loud = [h for h in louder if h.label != 2]
    assert fit_temperature(loud, activation) == pytest.approx(fit_temperature(quiet, activation))  # type: ignore[arg-type]


def test_each_part_is_calibrated_on_the_others_only() -> None:
    answers = crowd(90, 3)
    fitted = cross_fit(answers, "softmax")
    without_first = calibrate([h for h in answers if h.fold != 0], "softmax")
    first = [i for i, h in enumerate(answers) if h.fold == 0]
    assert {fitted.temperatures[i] for i in first} == {without_first.temperature}
    assert (fitted.least[first] == without_first.least(3)).all()
    assert len(set(fitted.temperatures)) == 3


def test_one_fold_is_parted_by_whole_groups() -> None:
    answers = crowd(60, 3, folds=1)
    parts = parts_of(answers)
    assert len(set(parts)) == 5
    assert all(parts[i] == parts[i + 1] for i in range(0, 60, 2)), "two recordings of one person"


def test_nothing_is_fitted_where_all_is_of_one_person() -> None:
    answers = [Heard(i, i % 2, np.eye(2, dtype=np.float32)[[i % 2]], group="me") for i in range(6)]
    fitted = cross_fit(answers, "softmax")
    assert set(fitted.temperatures) == {1.0}
    assert len(set(fitted.parts)) == 1


def _table(reached: list[list[float]], labels: list[int]) -> Table:
    scores, truth = np.array(reached, dtype=np.float32), np.zeros((len(labels), len(reached[0])), dtype=np.int8)
    truth[np.arange(len(labels)), labels] = 1
    return Table(scores, scores, truth, np.array(labels), np.arange(len(labels)))


def test_the_threshold_lies_between_right_and_wrong_answers_not_at_the_edge() -> None:
    common, own = choose_thresholds(_table([[0.8, 0.3], [0.35, 0.7], [0.75, 0.2]], [0, 1, 0]))
    assert 0.45 < common < 0.65
    assert own == {}, "three recordings are too few for a threshold of a species' own"


def test_a_species_with_enough_recordings_is_drawn_to_its_own_threshold() -> None:
    loud, shy = [[0.9, 0.4]] * (2 * LEAST_RECORDINGS), [[0.1, 0.3]] * (2 * LEAST_RECORDINGS)
    few = choose_thresholds(_table([*loud, *shy[:LEAST_RECORDINGS]], [0] * len(loud) + [1] * LEAST_RECORDINGS))
    many = choose_thresholds(_table([*loud, *shy * 4], [0] * len(loud) + [1] * len(shy) * 4))
    assert few[1][1] < few[0]
    assert abs(many[1][1] - 0.2) < abs(few[1][1] - 0.2), "the more recordings, the nearer to what is best for it"


def test_reliability_is_the_gap_between_said_and_found() -> None:
    scores = np.tile([0.9, 0.1], (10, 1))
    assert reliability(scores, np.array([0] * 9 + [1])).error == pytest.approx(0.0, abs=1e-9)
    assert reliability(scores, np.array([0] * 4 + [1] * 6)).error == pytest.approx(0.5)


def test_the_calibration_error_is_that_of_torchmetrics() -> None:
    import torch
    from torchmetrics.functional.classification import multiclass_calibration_error

    table = table_of(crowd(300, 6, skill=1.5))
    expected = multiclass_calibration_error(
        torch.from_numpy(table.scores), torch.from_numpy(table.labels), num_classes=6, n_bins=10
    )
    assert reliability(table.scores, table.labels).error == pytest.approx(float(expected), abs=1e-5)
