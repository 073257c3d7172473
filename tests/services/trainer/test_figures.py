"""The figures, against answers that can be counted by hand."""

import numpy as np
import pytest

from services.trainer.figures import measure
from services.trainer.heard import Table
from tests.services.trainer.hearing import heard, table_of


def _least(table: Table, value: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.full(table.scores.shape, value, dtype=np.float32)


def test_top1_counts_recordings_and_macro_top1_species_that_occur() -> None:
    answers = [heard(0, 0, [3, 0, 0]), heard(1, 0, [3, 0, 0]), heard(2, 0, [0, 0, 3]), heard(3, 1, [3, 0, 1])]
    table = table_of(answers)
    figures = measure(table, _least(table, 0.5))
    assert figures.whole["top1"] == pytest.approx(0.5)
    assert figures.whole["macro_top1"] == pytest.approx((2 / 3 + 0) / 2), "the third species was said, and never there"
    assert figures.whole["top5"] == 1.0
    assert np.isnan(figures.species["top1"][2])


def test_average_precision_and_auroc_rank_recordings_for_each_species() -> None:
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.1, 0.9]], dtype=np.float32)
    labels = np.array([0, 1, 0, 1])
    table = Table(scores, scores, np.eye(2, dtype=np.int8)[labels], labels, np.arange(4))
    figures = measure(table, _least(table, 0.75))
    assert figures.species["average_precision"][0] == pytest.approx((1 + 2 / 3) / 2)
    assert figures.species["auroc"][0] == pytest.approx(0.75)
    assert figures.whole["cmap"] == pytest.approx(np.mean([(1 + 2 / 3) / 2, (1 + 2 / 3) / 2]))
    # Reported: the first species in the recordings 0 and 1, the second one in 3.
    assert figures.species["f1"].tolist() == pytest.approx([0.5, 2 / 3])
    assert figures.whole["f1_micro"] == pytest.approx(2 * 2 / (3 + 4))


def test_naming_what_sings_in_the_background_is_no_false_alarm() -> None:
    answers = [heard(0, 0, [5, 5, -5]), heard(1, 1, [-5, 5, -5]), heard(2, 2, [-5, -5, 5])]
    table = table_of(answers, "sigmoid")
    assert measure(table, _least(table, 0.5)).whole["f1_micro"] < 1
    answers[0] = heard(0, 0, [5, 5, -5], others=(1,))
    table = table_of(answers, "sigmoid")
    figures = measure(table, _least(table, 0.5))
    assert figures.whole["f1_micro"] == figures.whole["f1_macro"] == figures.whole["cmap"] == 1.0
    assert figures.whole["top1"] == 1.0


def test_a_species_alone_has_no_auroc() -> None:
    table = table_of([heard(0, 0, [1, 0]), heard(1, 0, [2, 0])])
    figures = measure(table, _least(table, 0.5))
    assert np.isnan(figures.whole["auroc"])
    assert figures.whole["cmap"] == 1.0
