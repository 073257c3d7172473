"""95 % intervals of all figures by bootstrap over recordings (Efron 1979), a thousand resamples at once.

Recordings, not slices, are drawn: slices of one recording are nearly copies and make an interval too small. A resample
is how often each recording is in it; each figure becomes sums that are weighted so, and sums over many resamples are
matrix products. The same figures without weights are those of `figures`, by torchmetrics.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student_t

from services.trainer.figures import TOP
from services.trainer.heard import ABSENT, THERE, UNKNOWN, Booleans, Integers, Table
from shared.model_file import Metric

Weights = npt.NDArray[np.float32]
"""(resamples, recordings): how often each recording was drawn."""

RESAMPLES = 1_000
FEWEST = 200
"""Resamples at least, however large the table."""
PRODUCTS = 2e11
"""Multiplications that may be spent on cmAP and AUROC; a larger table gets fewer resamples."""
CELLS = 4_000_000
"""Numbers in one block of weights."""
ROWS = 512


def with_intervals(
    whole: Mapping[str, float], table: Table, least: npt.NDArray[np.float32], seed: int = 0
) -> dict[str, Metric]:
    """The figures of `figures.measure`, by `figures.NAMES`, each with its interval; those that are nan are left out."""
    counted, ranking = _Counts.of(table, least), Rankings(table)
    count = affordable(ranking.positives * table.recordings)
    parts = [_resampled(counted, ranking, drawn) for drawn in weights(table.recordings, count, seed)]
    figures = {name: value for name, value in whole.items() if not np.isnan(value)}
    return {name: spread(value, np.concatenate([part[name] for part in parts])) for name, value in figures.items()}


def affordable(products: int) -> int:
    """How many resamples, where each takes so many multiplications."""
    return int(np.clip(PRODUCTS / max(1, products), FEWEST, RESAMPLES))


def spread(value: float, resampled: npt.NDArray[np.floating[Any]]) -> Metric:
    """A figure with the interval in which the middle 95 % of its resamples lie, moved so that their median is on it.

    Where a recording is drawn twice, each copy helps the other's average precision; that lifts the resamples as a
    whole, which says nothing of the figure.
    """
    there = resampled[~np.isnan(resampled)]
    if len(there) < 2:
        return Metric(value=value)
    low, median, high = np.percentile(there, [2.5, 50, 97.5])
    return Metric(value=value, low=max(0.0, value + float(low - median)), high=min(1.0, value + float(high - median)))


def share(hits: int, total: int) -> Metric:
    """A share of recordings with its interval by Wilson (1927): a bootstrap of 8 right of 8 would claim certainty."""
    if not total:
        raise ValueError("a share of nothing")
    value, z2 = hits / total, 1.959964**2
    middle = (value + z2 / (2 * total)) / (1 + z2 / total)
    half = (z2 * (value * (1 - value) / total + z2 / (4 * total**2))) ** 0.5 / (1 + z2 / total)
    return Metric(value=value, low=max(0.0, min(value, middle - half)), high=min(1.0, max(value, middle + half)))


def mean_of_folds(folds: Sequence[float]) -> Metric:
    """With its interval by Student's t; two folds at least. Networks of folds share most of what they were trained on,
    so that it is no more than an indication."""
    mean, error = float(np.mean(folds)), float(np.std(folds, ddof=1)) / len(folds) ** 0.5
    half = float(student_t.ppf(0.975, len(folds) - 1)) * error
    return Metric(value=mean, low=max(0.0, mean - half), high=min(1.0, mean + half))


def share_of_rows(hits: Booleans, recording: Integers, seed: int) -> Metric:
    """A share of slices, (rows,), drawn by recording; there must be one at least."""
    _, numbers = np.unique(recording, return_inverse=True)
    right, rows = np.bincount(numbers, weights=hits), np.bincount(numbers)
    drawn = [(block @ right) / (block @ rows) for block in weights(len(rows), RESAMPLES, seed)]
    return spread(float(hits.mean()), np.concatenate(drawn))


def weights(recordings: int, count: int, seed: int) -> Iterator[Weights]:
    """`count` resamples of as many recordings as there are, in blocks of bounded size."""
    generator = np.random.default_rng(seed)
    at_once = max(1, CELLS // recordings)
    for first in range(0, count, at_once):
        rows = min(at_once, count - first)
        drawn = generator.integers(recordings, size=(rows, recordings)) + np.arange(rows)[:, None] * recordings
        yield np.bincount(drawn.ravel(), minlength=rows * recordings).reshape(rows, recordings).astype(np.float32)


def _mean(values: Weights) -> Weights:
    """Over the species that a resample holds, (resamples, classes) -> (resamples,)."""
    there = ~np.isnan(values)
    return _ratio(np.where(there, values, 0).sum(axis=1), there.sum(axis=1).astype(np.float32))


def _ratio(above: Weights, below: Weights) -> Weights:
    """nan where nothing is below."""
    result: Weights = np.where(below > 0, above / np.where(below > 0, below, 1), np.float32(np.nan))
    return result


@dataclass(frozen=True)
class _Counts:
    """What can be counted of each recording by itself, each (recordings, classes)."""

    labelled: Weights
    first: Weights
    fifth: Weights
    hits: Weights
    false_alarms: Weights
    misses: Weights

    @classmethod
    def of(cls, table: Table, least: npt.NDArray[np.float32]) -> "_Counts":
        rows, classes = table.scores.shape
        ranked = table.ranked
        own = ranked[np.arange(rows), table.labels]
        # As torchmetrics breaks ties: the lower label comes first.
        earlier = np.arange(classes) < table.labels[:, None]
        place = ((ranked > own[:, None]) | ((ranked == own[:, None]) & earlier)).sum(axis=1)
        is_label = np.zeros((rows, classes), dtype=bool)
        is_label[np.arange(rows), table.labels] = True
        said, there = table.reached >= least, table.truth == THERE

        def per_recording(rows_by_class: Booleans) -> Weights:
            total = np.zeros((table.recordings, classes), dtype=np.float32)
            row, column = np.nonzero(rows_by_class)
            np.add.at(total, (table.recording[row], column), 1)
            return total

        return cls(
            labelled=per_recording(is_label),
            first=per_recording(is_label & (place < 1)[:, None]),
            fifth=per_recording(is_label & (place < TOP)[:, None]),
            hits=per_recording(said & there),
            false_alarms=per_recording(said & (table.truth == ABSENT)),
            misses=per_recording(~said & there),
        )


class Rankings:
    """What average precision and AUROC need: of each class, the rows sorted into what lies above which positive."""

    def __init__(self, table: Table) -> None:
        self.classes = table.scores.shape[1]
        self._table = table
        self.positives = int((table.truth == THERE).sum())

    def resampled(self, drawn: Weights) -> tuple[Weights, Weights]:
        """Average precision and AUROC in each resample, both (resamples, classes)."""
        precision = np.full((len(drawn), self.classes), np.nan, dtype=np.float32)
        area = np.full_like(precision, np.nan)
        turned = np.ascontiguousarray(drawn.T)
        rows = drawn @ np.bincount(self._table.recording, minlength=drawn.shape[1]).astype(np.float32)
        for label in np.flatnonzero((self._table.truth == THERE).any(axis=0)):
            precision[:, label], area[:, label] = self._one(int(label), turned, rows)
        return precision, area

    def _one(self, label: int, drawn: Weights, rows: Weights) -> tuple[Weights, Weights]:
        """Of one class, (resamples,) each; `drawn` is (recordings, resamples), `rows` are in each resample.

        Average precision is the mean over positives of the share of positives at or above them (as scikit-learn and
        torchmetrics define it). AUROC is the mean over positives of the share of negatives below, ties counted half
        (Mann and Whitney 1947).
        """
        truth, scores, recording = (self._table.truth[:, label], self._table.scores[:, label], self._table.recording)
        of_positive = recording[truth == THERE]
        order = np.argsort(-scores[truth == THERE], kind="stable")
        of_positive, levels = of_positive[order], scores[truth == THERE][order]
        negative, own = scores[truth == ABSENT], recording[truth == ABSENT]
        reached = np.searchsorted(-levels, -negative, side="left")
        passed = np.searchsorted(-levels, -negative, side="right")
        there = drawn[of_positive]
        positives = _at_or_above(np.searchsorted(-levels, -levels, side="left"), of_positive, len(levels), drawn)
        negatives = _at_or_above(reached, own, len(levels), drawn)
        # A negative that ties with positives stands at the first of them, and beyond the last from `passed` on.
        tied = reached != passed
        strictly = negatives
        if tied.any():
            strictly = negatives - _at_or_above(reached[tied], own[tied], len(levels), drawn)
            strictly += _at_or_above(passed[tied], own[tied], len(levels), drawn)
        total = there.sum(axis=0)
        below = rows - total - drawn[recording[truth == UNKNOWN]].sum(axis=0)
        shares = np.where(there > 0, positives / np.maximum(positives + negatives, 1), 0)
        beaten = 1 - (negatives + strictly) / 2 / np.maximum(below, 1)
        area = np.where(below > 0, _ratio((there * beaten).sum(axis=0), total), np.float32(np.nan))
        return _ratio((there * shares).sum(axis=0), total), area


def _at_or_above(level: Integers, recording: Integers, levels: int, drawn: Weights) -> Weights:
    """How much of what is drawn lies at each level or at one above it, (levels, resamples).

    `level` and `recording` are (rows,); level 0 is the highest, and what lies at `levels` is under all.
    """
    counts = np.zeros((levels, drawn.shape[1]), dtype=np.float32)
    inside = level < levels
    level, recording, chosen = level[inside], recording[inside], drawn
    if 2 * len(recording) < len(drawn):
        columns, recording = np.unique(recording, return_inverse=True)
        chosen = drawn[columns]
    carried = np.zeros(len(chosen), dtype=np.float32)
    for first in range(0, levels, ROWS):
        rows = min(ROWS, levels - first)
        mine = (level >= first) & (level < first + rows)
        cells = np.bincount((level[mine] - first) * len(chosen) + recording[mine], minlength=rows * len(chosen))
        table = np.cumsum(cells.reshape(rows, len(chosen)), axis=0, dtype=np.float32) + carried
        counts[first : first + rows] = table @ chosen
        carried = table[-1]
    return counts


def _resampled(counted: _Counts, ranking: Rankings, drawn: Weights) -> dict[str, Weights]:
    """Each figure in each resample, (resamples,)."""
    labelled, first, fifth = drawn @ counted.labelled, drawn @ counted.first, drawn @ counted.fifth
    hits, false_alarms, misses = drawn @ counted.hits, drawn @ counted.false_alarms, drawn @ counted.misses
    both = 2 * hits + false_alarms + misses
    precision, area = ranking.resampled(drawn)
    return {
        "top1": _ratio(first.sum(axis=1), labelled.sum(axis=1)),
        "top5": _ratio(fifth.sum(axis=1), labelled.sum(axis=1)),
        "macro_top1": _mean(_ratio(first, labelled)),
        "cmap": _mean(precision),
        "auroc": _mean(area),
        "f1_macro": _mean(np.where(hits + misses > 0, _ratio(2 * hits, both), np.float32(np.nan))),
        "f1_micro": _ratio(2 * hits.sum(axis=1), both.sum(axis=1)),
    }
