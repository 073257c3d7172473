"""How good a model is: on recordings it has not seen, with intervals, and how far its confidences can be believed.

What is shipped (temperature, thresholds) is fitted on all held-out recordings. What is reported is judged with the same
fitted on other parts than the one that is judged: nothing is fitted to the recordings that it is judged on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.trainer.calibrate import Calibration, Reliability, calibrate, cross_fit, reliability
from services.trainer.figures import Figures, measure
from services.trainer.heard import Activation, Heard, Integers, Table, recording_table, slice_table
from services.trainer.intervals import share, with_intervals
from services.trainer.rejection import Curve, judge_rejection
from services.trainer.unknown import HeardSet
from shared.metric import Metric
from shared.rejection import Rejection


@dataclass(frozen=True)
class SpeciesResult:
    """Per recording; `None` where a figure cannot be had."""

    recordings: int
    top1: Metric
    top5: float
    average_precision: float | None
    auroc: float | None
    f1: float | None


@dataclass(frozen=True)
class Evaluation:
    metrics: dict[str, Metric]
    """`figures.NAMES`, ece and ece_before: of recordings, and with `slice_` before the name of slices. Shares 0..1."""
    species: dict[int, SpeciesResult]
    """By label, of those that were tested."""
    confusion: Integers
    """(true, predicted) recordings."""
    by_recording: Table
    """What was said of each recording, calibrated on others."""
    heard: list[int]
    """Of each row of `by_recording`, the position in the dataset."""
    folds: list[int]
    """Of each row of `by_recording`, whose network said it."""
    reliability_before: Reliability
    """Of recordings, without a temperature."""
    reliability: Reliability
    """Of recordings, with one that was fitted on other recordings."""
    calibration: Calibration
    """Fitted on all that was heard: this is what is shipped."""
    cross_fitted: bool
    """False where all recordings are of one person: then the figures are those without any calibration."""
    recordings: int
    slices: int
    rejection: Rejection
    rejection_curves: list[Curve]


def evaluate(
    heard: Sequence[Heard], classes: int, activation: Activation, unknown: Sequence[HeardSet] = (), seed: int = 0
) -> Evaluation:
    """Judge the recordings of all folds together. `heard` must not be empty."""
    fitted = cross_fit(heard, activation, seed)
    by_recording = recording_table(heard, activation, fitted.temperatures)
    by_slice = slice_table(heard, activation, fitted.temperatures)
    whole = measure(by_recording, fitted.least)
    metrics = _with_folds(whole, by_recording, fitted.least, np.array([h.fold for h in heard]), seed)
    per_heard = [len(h.slices) for h in heard]
    least, folds = np.repeat(fitted.least, per_heard, axis=0), np.repeat([h.fold for h in heard], per_heard)
    of_slices = _with_folds(measure(by_slice, least), by_slice, least, folds, seed)
    metrics |= {f"slice_{name}": metric for name, metric in of_slices.items()}

    raw = [1.0] * len(heard)
    before = _reliability(recording_table(heard, activation, raw))
    after = _reliability(by_recording)
    errors = {
        "ece_before": before,
        "ece": after,
        "slice_ece_before": _reliability(slice_table(heard, activation, raw)),
        "slice_ece": _reliability(by_slice),
    }
    metrics |= {name: Metric(value=one.error) for name, one in errors.items()}

    confusion = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(confusion, (by_recording.labels, by_recording.ranked.argmax(axis=1)), 1)
    rejection, curves = judge_rejection(heard, activation, fitted.parts, unknown, seed)
    return Evaluation(
        metrics=metrics,
        species=_by_species(whole, by_recording, confusion),
        confusion=confusion,
        by_recording=by_recording,
        heard=[h.recording for h in heard],
        folds=[h.fold for h in heard],
        reliability_before=before,
        reliability=after,
        calibration=calibrate(heard, activation),
        cross_fitted=len(set(fitted.parts)) > 1,
        recordings=by_recording.recordings,
        slices=len(by_slice.labels),
        rejection=rejection,
        rejection_curves=curves,
    )


def _with_folds(
    whole: Figures, table: Table, least: npt.NDArray[np.float32], folds: Integers, seed: int
) -> dict[str, Metric]:
    """Over all folds together with intervals, and in each fold by itself, where there are several."""
    metrics = with_intervals(whole.whole, table, least, seed)
    if len(np.unique(folds)) < 2:
        return metrics
    each = [measure(table.rows(folds == fold), least[folds == fold]).whole for fold in np.unique(folds)]
    return {
        name: metric.model_copy(update={"folds": tuple(one[name] for one in each if not np.isnan(one[name]))})
        for name, metric in metrics.items()
    }


def _reliability(table: Table) -> Reliability:
    return reliability(table.ranked, table.labels)


def _by_species(whole: Figures, table: Table, confusion: Integers) -> dict[int, SpeciesResult]:
    def known(name: str, label: int) -> float | None:
        value = float(whole.species[name][label])
        return None if np.isnan(value) else value

    tested = {int(label): int((table.labels == label).sum()) for label in np.unique(table.labels)}
    return {
        label: SpeciesResult(
            recordings=count,
            top1=share(int(confusion[label, label]), count),
            top5=float(whole.species["top5"][label]),
            average_precision=known("average_precision", label),
            auroc=known("auroc", label),
            f1=known("f1", label),
        )
        for label, count in tested.items()
    }
