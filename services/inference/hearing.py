"""What logits say: detections window by window, and in the end a ranking and an outcome for the whole recording."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from services.inference.schemas import Detection, Outcome, Parameters, Ranked
from shared.audio.constants import SAMPLE_RATE
from shared.audio.wav import forget_pages
from shared.model_file import TOP_WINDOWS, ModelManifest, confidences, rank
from shared.rejection import energy

Samples = npt.NDArray[np.int16] | npt.NDArray[np.float32]
Waveform = npt.NDArray[np.float32]
Logits = npt.NDArray[np.float32]

SEARCHED_SECONDS = 300.0
"""At once, when it is asked whether anything stands out: most often the first minutes answer."""


class Hearing:
    """One recording of `samples`. Its detections are handed on as they come and nothing of them is kept."""

    def __init__(self, manifest: ModelManifest, parameters: Parameters, samples: int) -> None:
        self._manifest = manifest
        self._parameters = parameters
        self._samples = samples
        self._window = round(manifest.window_seconds * SAMPLE_RATE)
        names = [label.scientific for label in manifest.labels]
        wanted = parameters.species
        self._labels = np.array([i for i, name in enumerate(names) if wanted is None or name in wanted])
        """Positions of those that may be named."""
        least = [parameters.thresholds.get(name, parameters.min_confidence) for name in names]
        self._least = np.array(least, np.float32)
        self._highest = np.empty((0, len(names)), np.float32)
        self._sum = np.zeros(len(names))
        self._windows = 0
        self._detected = False

    def detections(self, passages: Iterable[tuple[list[int], Logits]]) -> Iterator[Detection]:
        """In order of time, in a window the surest first. `passages` are starts of windows and (windows, classes)."""
        for starts, logits in passages:
            found = confidences(logits, self._manifest)
            self._highest = np.sort(np.concatenate([self._highest, found]), axis=0)[-TOP_WINDOWS:]
            self._sum += logits.sum(axis=0, dtype=np.float64)
            self._windows += len(starts)
            for start, window, known in zip(starts, found, self._known(logits), strict=True):
                for index in self._first(window):
                    if window[index] >= self._least[index]:
                        self._detected = True
                        yield Detection(
                            start=_seconds(start),
                            end=_seconds(min(start + self._window, self._samples)),
                            **self._species(index),
                            confidence=_rounded(window[index]),
                            known=known,
                        )

    def ranking(self) -> list[Ranked]:
        """The species of all that was heard, the surest first."""
        pooled = rank(self._highest)
        return [Ranked(**self._species(index), confidence=_rounded(pooled[index])) for index in self._first(pooled)]

    def outcome(self, samples: Samples) -> Outcome:
        """Of all that was heard of these samples."""
        rejection = self._manifest.rejection
        mean = energy(self._sum / self._windows, self._manifest.activation)
        if self._detected and (rejection is None or mean >= rejection.recording_threshold):
            return "species"
        # Only now, because it takes as long as a small network.
        return "unknown" if _something_stands_out(samples) else "nothing"

    def _first(self, found: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        order: npt.NDArray[np.int64] = self._labels[np.argsort(-found[self._labels], kind="stable")]
        return order[: self._parameters.top_k]

    def _known(self, logits: Logits) -> list[bool | None]:
        """Whether each window sounds like anything the model has learnt, where it can tell."""
        rejection = self._manifest.rejection
        if rejection is None:
            return [None] * len(logits)
        known: list[bool | None] = (energy(logits, self._manifest.activation) >= rejection.window_threshold).tolist()
        return known

    def _species(self, index: int) -> dict[str, Any]:
        label = self._manifest.labels[index]
        return {"species": label.scientific, "common_name": label.common}


def _something_stands_out(samples: Samples) -> bool:
    # Here, because it brings scipy, which takes longer to import than the service to start.
    from shared.audio.segment import segment

    step = round(SEARCHED_SECONDS * SAMPLE_RATE)
    for start in range(0, len(samples), step):
        if any(section.kind == "signal" for section in segment(samples[start : start + step])):
            return True
        forget_pages(samples)
    return False


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 3)


def _rounded(confidence: np.float32) -> float:
    return round(float(confidence), 4)
