"""What a network said of recordings that it has not been trained on, and the same as tables that can be judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shared.model_file import activate, rank

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Truth = npt.NDArray[np.int8]
Activation = Literal["softmax", "sigmoid"]

THERE, ABSENT, UNKNOWN = 1, 0, -1


@dataclass(frozen=True)
class Heard:
    """What a model said of one held-out recording."""

    recording: int
    """Position in the dataset; of a recording that stands there as several species, the first."""
    label: int
    logits: npt.NDArray[np.float32]
    """(windows, classes), of all windows as serving cuts them."""
    others: tuple[int, ...] = ()
    """Labels that may be heard in it too: naming them is neither right nor wrong."""
    signal: Booleans | None = None
    """(windows,): which windows are slices, so that a bird is heard in them. `None`: all are."""
    fold: int = 0
    """Of the network that said it."""
    group: str = ""
    """What must not be on two sides of a split: the recordist and all that is tied to that one."""

    @property
    def slices(self) -> npt.NDArray[np.float32]:
        """Logits of the windows with signal, (slices, classes)."""
        return self.logits if self.signal is None else self.logits[self.signal]


@dataclass(frozen=True)
class Table:
    """One row for each recording, or for each slice; `recording` says which rows are drawn together."""

    scores: npt.NDArray[np.float32]
    """(rows, classes), confidences 0..1."""
    reached: npt.NDArray[np.float32]
    """(rows, classes), what is compared with the thresholds: of a recording, its most confident window."""
    truth: Truth
    """(rows, classes): THERE, ABSENT or UNKNOWN."""
    labels: Integers
    """(rows,)"""
    recording: Integers
    """(rows,), 0-based, without gaps."""

    @property
    def recordings(self) -> int:
        return int(self.recording.max()) + 1

    def rows(self, chosen: Booleans) -> "Table":
        """Some of the rows, the recordings numbered anew."""
        _, numbers = np.unique(self.recording[chosen], return_inverse=True)
        return Table(
            scores=self.scores[chosen],
            reached=self.reached[chosen],
            truth=self.truth[chosen],
            labels=self.labels[chosen],
            recording=numbers.astype(np.int64),
        )

    @property
    def ranked(self) -> npt.NDArray[np.float32]:
        """The scores, with species of which nothing is known behind all others."""
        return np.where(self.truth == UNKNOWN, np.float32(-1), self.scores)


def recording_table(heard: Sequence[Heard], activation: Activation, temperatures: Sequence[float]) -> Table:
    """A row for each recording, ranked as serving pools it; `temperatures` has one for each of `heard`."""
    confidences = [activate(h.logits, activation, t) for h, t in zip(heard, temperatures, strict=True)]
    return Table(
        scores=np.stack([rank(windows) for windows in confidences]),
        reached=np.stack([windows.max(axis=0) for windows in confidences]),
        truth=np.stack([truth_of(h) for h in heard]),
        labels=np.array([h.label for h in heard]),
        recording=_numbered(heard),
    )


def slice_table(heard: Sequence[Heard], activation: Activation, temperatures: Sequence[float]) -> Table:
    """A row for each slice: a window with signal, taken to hold the species of its recording."""
    scores = np.concatenate([activate(h.slices, activation, t) for h, t in zip(heard, temperatures, strict=True)])
    counts = [len(h.slices) for h in heard]
    return Table(
        scores=scores,
        reached=scores,
        truth=np.repeat(np.stack([truth_of(h) for h in heard]), counts, axis=0),
        labels=np.repeat(np.array([h.label for h in heard]), counts),
        recording=np.repeat(_numbered(heard), counts),
    )


def truth_of(heard: Heard) -> Truth:
    """(classes,)"""
    truth = np.full(heard.logits.shape[1], ABSENT, dtype=np.int8)
    truth[list(heard.others)] = UNKNOWN
    truth[heard.label] = THERE
    return truth


def _numbered(heard: Sequence[Heard]) -> Integers:
    _, numbers = np.unique([h.recording for h in heard], return_inverse=True)
    return numbers.astype(np.int64)
