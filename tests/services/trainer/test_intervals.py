"""The bootstrap: what it draws at once is what torchmetrics gives draw by draw, and its intervals cover the truth."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from services.trainer import intervals
from services.trainer.figures import NAMES, measure
from services.trainer.heard import Heard, Table, slice_table
from services.trainer.intervals import mean_of_folds, share, share_of_rows, spread, weights, with_intervals
from tests.services.trainer.hearing import crowd, table_of


def _drawn(
    table: Table, counts: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.repeat(np.arange(len(table.labels)), counts[table.recording].astype(int))


@pytest.mark.parametrize("per_slice", [False, True])
def test_every_resample_has_the_figures_that_torchmetrics_gives_for_the_recordings_drawn(
    per_slice: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = crowd(60, 4, skill=1.0)
    # Logits of few values, so that scores tie, between species and between recordings.
    answers = [Heard(h.recording, h.label, np.round(h.logits), others=h.others) for h in answers]
    table = slice_table(answers, "sigmoid", [1.0] * 60) if per_slice else table_of(answers, "sigmoid")
    least = np.full(table.scores.shape, 0.6, dtype=np.float32)
    monkeypatch.setattr(intervals, "RESAMPLES", 8)
    monkeypatch.setattr(intervals, "FEWEST", 8)
    monkeypatch.setattr(intervals, "CELLS", 180)
    monkeypatch.setattr(intervals, "ROWS", 7)
    resampled: dict[str, list[float]] = {}

    def keep(value: float, drawn: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
        resampled[next(name for name in NAMES if name not in resampled)] = list(drawn)

    monkeypatch.setattr(intervals, "spread", keep)
    with_intervals(measure(table, least).whole, table, least, seed=3)
    draws = [counts for block in weights(60, 8, 3) for counts in block]
    assert len(draws) == 8
    for number, counts in enumerate(draws):
        rows = _drawn(table, counts)
        # A copy is drawn with its original, so that all copies are recordings of their own here.
        copy = Table(
            table.scores[rows], table.reached[rows], table.truth[rows], table.labels[rows], np.arange(len(rows))
        )
        expected = measure(copy, least[rows]).whole
        assert {name: resampled[name][number] for name in NAMES} == pytest.approx(expected, abs=1e-5)


def test_thousands_of_recordings_of_many_species_take_seconds() -> None:
    generator = np.random.default_rng(0)
    scores = generator.random((2_000, 100), dtype=np.float32)
    labels = generator.integers(100, size=2_000)
    truth = np.eye(100, dtype=np.int8)[labels]
    table = Table(scores, scores, truth, labels, np.arange(2_000))
    least = np.full(scores.shape, 0.5, dtype=np.float32)
    began = time.process_time()
    metrics = with_intervals(dict.fromkeys(NAMES, 0.5), table, least)
    assert set(metrics) == set(NAMES)
    assert time.process_time() - began < 10


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for trial in range(60):
        right = generator.random(80) < 0.6
        labels = np.zeros(80, dtype=np.int64)
        scores = np.where(right[:, None], [[0.9, 0.1]], [[0.1, 0.9]]).astype(np.float32)
        table = Table(scores, scores, np.tile(np.array([[1, 0]], dtype=np.int8), (80, 1)), labels, np.arange(80))
        metric = with_intervals({"top1": float(right.mean())}, table, np.full(scores.shape, 0.5, np.float32), trial)[
            "top1"
        ]
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low <= metric.value <= metric.high
        covered += metric.low <= 0.6 <= metric.high
    assert 50 <= covered <= 60


def test_more_slices_of_the_same_recordings_make_no_narrower_interval() -> None:
    def copies(times: int) -> Iterator[Heard]:
        for h in crowd(40, 4, skill=1.0):
            yield Heard(h.recording, h.label, np.repeat(h.logits[:1], times, axis=0))

    widths = []
    for times in (1, 20):
        table = slice_table(list(copies(times)), "softmax", [1.0] * 40)
        least = np.full(table.scores.shape, 0.3, np.float32)
        metric = with_intervals({"top1": 0.5, "cmap": 0.5}, table, least)
        widths.append([one.high - one.low for one in metric.values()])  # type: ignore[operator]
    np.testing.assert_allclose(widths[0], widths[1], rtol=0.05)


def test_an_interval_contains_its_figure_also_where_all_resamples_lie_beside_it() -> None:
    metric = spread(0.5, np.array([0.6, 0.7, 0.8]))
    assert metric.low is not None
    assert metric.high is not None
    assert metric.low < 0.5 < metric.high
    assert spread(0.5, np.array([np.nan, 0.4])).low is None


def test_eight_right_of_eight_are_not_certain() -> None:
    metric = share(8, 8)
    assert metric.value == metric.high == 1.0
    assert metric.low == pytest.approx(0.676, abs=1e-3)
    assert share(0, 8).low == 0.0


def test_a_share_of_slices_is_as_certain_as_its_recordings() -> None:
    hits = np.array([True] * 50 + [False] * 50)
    apart, together = share_of_rows(hits, np.arange(100), 0), share_of_rows(hits, np.repeat([0, 1], 50), 0)
    assert apart.value == together.value == 0.5
    assert (together.low, together.high) == (0.0, 1.0)
    assert apart.low is not None
    assert apart.low > 0.35


def test_the_mean_over_folds_has_the_interval_of_student() -> None:
    metric = mean_of_folds([0.4, 0.5, 0.6])
    assert metric.value == pytest.approx(0.5)
    assert metric.high == pytest.approx(0.5 + 4.3027 * 0.1 / 3**0.5, abs=1e-4)
