"""From logits to confidences that can be believed: the temperature, the thresholds, and how far off they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from services.trainer.heard import THERE, UNKNOWN, Activation, Booleans, Floats, Heard, Integers, Table, recording_table
from services.trainer.split import assign_folds

BINS = 10
FITTED_SLICES = 4
"""Of each recording, spread over it: slices of one recording are nearly copies, and all of them may not fit memory."""
PARTS = 5
DEFAULT_THRESHOLD = 0.1
"""Where nothing was held out to choose one on."""
CANDIDATES = np.round(np.arange(0.05, 0.901, 0.01), 2)
LEAST_RECORDINGS = 10
"""A species with fewer held-out recordings gets no threshold of its own."""
SHRINKAGE = 40
"""A species' own threshold weighs as many as its held-out recordings, the common one as this many."""


@dataclass(frozen=True)
class Calibration:
    """What is fitted on held-out logits."""

    temperature: float
    common: float
    """Smallest confidence to report of a species without a threshold of its own."""
    thresholds: dict[int, float]
    """By label, where it differs from the common one."""

    def by_name(self, names: Sequence[str]) -> dict[str, float]:
        """The thresholds as the model file has them."""
        return {names[label]: threshold for label, threshold in self.thresholds.items()}

    def least(self, classes: int) -> npt.NDArray[np.float32]:
        """Smallest confidence to report of each species, (classes,)."""
        return np.array([self.thresholds.get(label, self.common) for label in range(classes)], dtype=np.float32)


@dataclass(frozen=True)
class CrossFitted:
    """For each of the recordings heard, what was fitted without its part, so that it can be judged fairly."""

    temperatures: list[float]
    least: npt.NDArray[np.float32]
    """(heard, classes): the smallest confidences to report."""
    parts: list[int]
    """Which part each belongs to; all to one where all is of one person, and then nothing is fitted."""


def calibrate(heard: Sequence[Heard], activation: Activation) -> Calibration:
    """Temperature first, then the thresholds for the confidences that it gives. `heard` must not be empty."""
    temperature = fit_temperature(heard, activation)
    common, thresholds = choose_thresholds(recording_table(heard, activation, [temperature] * len(heard)))
    return Calibration(temperature, common, thresholds)


def cross_fit(heard: Sequence[Heard], activation: Activation, seed: int = 0) -> CrossFitted:
    """Calibrate for each part of the recordings on the other parts."""
    parts = parts_of(heard, seed)
    classes = heard[0].logits.shape[1]
    if len(set(parts)) < 2:
        untouched = np.full((len(heard), classes), DEFAULT_THRESHOLD, dtype=np.float32)
        return CrossFitted([1.0] * len(heard), untouched, parts)
    fitted = {
        part: calibrate([h for h, its in zip(heard, parts, strict=True) if its != part], activation)
        for part in sorted(set(parts))
    }
    least = {part: one.least(classes) for part, one in fitted.items()}
    return CrossFitted([fitted[part].temperature for part in parts], np.stack([least[part] for part in parts]), parts)


def parts_of(heard: Sequence[Heard], seed: int = 0) -> list[int]:
    """The fold of each; where there is one fold only, one of up to five parts of whole groups, spread evenly over the
    species."""
    folds = [h.fold for h in heard]
    if len(set(folds)) > 1:
        return folds
    return assign_folds([str(h.label) for h in heard], [h.group or str(h.recording) for h in heard], PARTS, seed)


def fit_temperature(heard: Sequence[Heard], activation: Activation) -> float:
    """The temperature that makes the slices' labels most likely (Guo et al. 2017); each recording counts alike.

    Species that may be heard too are left out of the sum, whichever the loss.
    """
    parts = [h.slices[:: -(-len(h.slices) // FITTED_SLICES)].astype(np.float64) for h in heard]
    counts = [len(part) for part in parts]
    for part, h in zip(parts, heard, strict=True):
        part[:, list(h.others)] = -np.inf
    logits = np.concatenate(parts)
    labels = np.repeat([h.label for h in heard], counts)
    weights = np.repeat([1.0 / count for count in counts], counts)
    right = logits[np.arange(len(labels)), labels]

    def loss(log_temperature: float) -> float:
        temperature = np.exp(log_temperature)
        scaled = logits / temperature
        all_species = logsumexp(scaled, axis=1) if activation == "softmax" else np.logaddexp(0.0, scaled).sum(axis=1)
        each = all_species - right / temperature
        return float((each * weights).sum() / weights.sum())

    found = minimize_scalar(loss, bounds=(np.log(0.1), np.log(10.0)), method="bounded")
    return float(np.exp(found.x))


def choose_thresholds(table: Table) -> tuple[float, dict[int, float]]:
    """The common threshold with the best F1 over all recordings and species, and those of species by themselves.

    A species with few recordings would get what chance makes of them: it keeps the common threshold. The others' are
    drawn towards it, the more the fewer recordings they have.
    """
    there, known = table.truth == THERE, table.truth != UNKNOWN
    hits = np.zeros((len(CANDIDATES), there.shape[1]))
    said = np.zeros_like(hits)
    for row, candidate in enumerate(CANDIDATES):
        reported = (table.reached >= candidate) & known
        hits[row] = (reported & there).sum(axis=0)
        said[row] = reported.sum(axis=0)
    positives = there.sum(axis=0)
    common = _best(2.0 * hits.sum(axis=1) / np.maximum(1, said.sum(axis=1) + positives.sum()))
    own = {}
    for label in np.flatnonzero(positives >= LEAST_RECORDINGS):
        count = int(positives[label])
        best = _best(2.0 * hits[:, label] / np.maximum(1, said[:, label] + count))
        drawn = round((count * best + SHRINKAGE * common) / (count + SHRINKAGE), 3)
        if drawn != common:
            own[int(label)] = drawn
    return common, own


def _best(f1: Floats) -> float:
    """Of a plateau its middle: the edge lies at one recording's confidence, by chance."""
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    run = best[: 1 + int(np.argmax(np.append(np.diff(best), 2) > 1))]
    return float(CANDIDATES[run[len(run) // 2]])


@dataclass(frozen=True)
class Reliability:
    """How often the first-ranked species is right, by how confident the model is of it; ten bins of equal width."""

    confidence: Floats
    """(bins,), its mean; 0 in an empty bin."""
    right: Floats
    """(bins,), share."""
    count: Integers
    """(bins,)"""

    @property
    def error(self) -> float:
        """Expected calibration error, 0..1 (Naeini et al. 2015): the mean gap between said and found."""
        return float((np.abs(self.confidence - self.right) * self.count).sum() / self.count.sum())


def reliability(scores: Floats, labels: Integers) -> Reliability:
    """Of (rows, classes) confidences whose species is `labels`, (rows,)."""
    best = scores.argmax(axis=1)
    confidence = scores[np.arange(len(scores)), best]
    right: Booleans = best == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    filled = np.maximum(1, count)
    return Reliability(
        np.bincount(bins, weights=confidence, minlength=BINS) / filled,
        np.bincount(bins, weights=right, minlength=BINS) / filled,
        count.astype(np.int64),
    )
