"""How good a model is: on recordings it has not seen, with intervals, and how far its confidences can be believed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from shared.model_file import Metric, activate, rank

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int64]
Activation = Literal["softmax", "sigmoid"]

RESAMPLES = 1_000
ECE_BINS = 10


@dataclass(frozen=True)
class Heard:
    """What a model said of one held-out recording."""

    recording: int
    """Position in the dataset."""
    label: int
    logits: npt.NDArray[np.float32]
    """(windows, classes), of all windows as serving cuts them."""


@dataclass(frozen=True)
class SpeciesResult:
    recordings: int
    top1: float
    top5: float


@dataclass(frozen=True)
class Evaluation:
    metrics: dict[str, Metric]
    """top1, top5 and macro_top1 per recording, window_top1, ece_before and ece: shares 0..1."""
    species: dict[int, SpeciesResult]
    """By label, of those that were tested."""
    confusion: Integers
    """(true, predicted) recordings."""
    temperature: float
    min_confidence: float
    """Where the ranking of held-out recordings has its best F1."""


def evaluate(heard: Sequence[Heard], classes: int, activation: Activation, seed: int = 0) -> Evaluation:
    """Judge the recordings of all folds together, after calibrating on them. `heard` must not be empty."""
    labels = np.array([h.label for h in heard])
    temperature = fit_temperature(heard, activation)
    raw = recording_confidences(heard, activation, 1.0)
    scores = recording_confidences(heard, activation, temperature)
    first = top_k(scores, labels, 1)
    fifth = top_k(scores, labels, min(5, classes))
    window_hits = np.array([float((h.logits.argmax(axis=1) == h.label).mean()) for h in heard])
    confusion = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(confusion, (labels, scores.argmax(axis=1)), 1)

    def measure(statistic: Callable[[Integers], float]) -> Metric:
        return with_interval(statistic, len(heard), seed)

    return Evaluation(
        metrics={
            "macro_top1": measure(lambda chosen: macro(first[chosen], labels[chosen])),
            "top1": measure(lambda chosen: float(first[chosen].mean())),
            "top5": measure(lambda chosen: float(fifth[chosen].mean())),
            "window_top1": measure(lambda chosen: float(window_hits[chosen].mean())),
            "ece_before": Metric(value=calibration_error(raw, labels)),
            "ece": Metric(value=calibration_error(scores, labels)),
        },
        species={
            int(label): SpeciesResult(
                int((labels == label).sum()), float(first[labels == label].mean()), float(fifth[labels == label].mean())
            )
            for label in np.unique(labels)
        },
        confusion=confusion,
        temperature=temperature,
        min_confidence=best_threshold(scores, labels),
    )


def recording_confidences(heard: Sequence[Heard], activation: Activation, temperature: float) -> Floats:
    """Confidences as serving pools them, (recordings, classes)."""
    return np.stack([rank(activate(h.logits, activation, temperature)) for h in heard])


def top_k(scores: Floats, labels: Integers, k: int) -> npt.NDArray[np.bool_]:
    """Whether the right species is among the k highest, (recordings,)."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    hits: npt.NDArray[np.bool_] = (best == labels[:, None]).any(axis=1)
    return hits


def macro(hits: npt.NDArray[np.bool_], labels: Integers) -> float:
    """Mean over the species that occur of the share of hits, so that common ones do not hide rare ones."""
    count = np.bincount(labels)
    right = np.bincount(labels, weights=hits)
    return float((right[count > 0] / count[count > 0]).mean())


def with_interval(statistic: Callable[[Integers], float], recordings: int, seed: int) -> Metric:
    """A figure with its 95 % percentile bootstrap interval over recordings (Efron 1979).

    Recordings, not windows, are drawn: windows of one recording are nearly copies and make the interval too small.
    """
    generator = np.random.default_rng(seed)
    drawn = [statistic(generator.integers(recordings, size=recordings)) for _ in range(RESAMPLES)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Metric(value=statistic(np.arange(recordings)), low=float(low), high=float(high))


def fit_temperature(heard: Sequence[Heard], activation: Activation) -> float:
    """The temperature that makes the windows' labels most likely (Guo et al. 2017); each recording counts alike."""
    logits = np.concatenate([h.logits for h in heard]).astype(np.float64)
    labels = np.concatenate([np.full(len(h.logits), h.label) for h in heard])
    weights = np.concatenate([np.full(len(h.logits), 1.0 / len(h.logits)) for h in heard])
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        if activation == "softmax":
            each = np.logaddexp.reduce(scaled, axis=1) - scaled[rows, labels]
        else:
            each = np.logaddexp(0.0, scaled).sum(axis=1) - scaled[rows, labels]
        return float((each * weights).sum() / weights.sum())

    found = minimize_scalar(loss, bounds=(np.log(0.3), np.log(5.0)), method="bounded")
    return float(np.exp(found.x))


def calibration_error(scores: Floats, labels: Integers) -> float:
    """Expected calibration error of the first-ranked species in ten bins of equal width, 0..1."""
    best = scores.argmax(axis=1)
    confidence = scores[np.arange(len(scores)), best]
    right = best == labels
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = [abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(np.sum(gaps))


def best_threshold(scores: Floats, labels: Integers) -> float:
    """The confidence from which on reporting a species gives the best F1 over all recordings and species, 0.05..0.9."""
    truth = np.zeros(scores.shape, dtype=bool)
    truth[np.arange(len(labels)), labels] = True
    candidates = np.round(np.arange(0.05, 0.901, 0.01), 2)
    f1 = []
    for candidate in candidates:
        said = scores >= candidate
        f1.append(2.0 * (said & truth).sum() / max(1, said.sum() + truth.sum()))
    return float(candidates[int(np.argmax(f1))])
