"""A loaded model that answers: samples in, ranking and timed detections out. No web and no database here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from services.inference.schemas import ClassifyQuery, Detection, Parameters, Ranked
from shared.audio.constants import SAMPLE_RATE
from shared.audio.slices import windows
from shared.errors import ChiffchaffError, InvalidInput, ModelFileError
from shared.model_file import LoadedModel, confidences, load, rank

Waveform = npt.NDArray[np.float32]
_WARM_UP_WINDOWS = (1, 1, 2)
"""The second run is when torch compiles what the first has shown it."""


class BrokenModel(ChiffchaffError):
    """The active model does what no model file may; warming up lets none through that always does."""

    code = "broken-model"
    title = "The model's answer makes no sense"


@dataclass(frozen=True)
class Heard:
    """What the model makes of one recording."""

    ranking: list[Ranked]
    detections: list[Detection]


class Classifier:
    """One version of a model, in memory. `classify` may be called from one thread at a time."""

    def __init__(self, loaded: LoadedModel, model_id: str, name: str, version: int) -> None:
        """Raises ModelFileError when the model listens at another sample rate than the signal chain delivers."""
        manifest = loaded.manifest
        if manifest.sample_rate != SAMPLE_RATE:
            raise ModelFileError(
                f"{name} {version} listens at {manifest.sample_rate:,} Hz; recordings have {SAMPLE_RATE:,} Hz here.",
                hint="Activate a model that was trained with this version of the software.",
            )
        self.model_id = model_id
        self.name = name
        self.version = str(version)
        self.manifest = manifest
        self._module = loaded.module
        self._window = round(manifest.window_seconds * SAMPLE_RATE)

    def parameters(self, query: ClassifyQuery) -> Parameters:
        """The query with this model's defaults filled in.

        Raises InvalidInput when the step would leave gaps between the model's windows.
        """
        manifest = self.manifest
        step = manifest.step_seconds if query.step is None else query.step
        if step > manifest.window_seconds:
            raise InvalidInput(
                f"step: {step:g} s would leave gaps between this model's windows of {manifest.window_seconds:g} s.",
                hint=f"Use a step of at most {manifest.window_seconds:g} s.",
            )
        if query.min_confidence is not None:
            return Parameters(step=step, min_confidence=query.min_confidence, top_k=query.top_k)
        return Parameters(
            step=step,
            min_confidence=manifest.default_min_confidence,
            top_k=query.top_k,
            thresholds=manifest.thresholds,
        )

    def classify(self, waveform: Waveform, parameters: Parameters) -> Heard:
        """Listen to float32 mono samples, (samples,), at 22,050 Hz.

        The ranking names the `top_k` species of the whole recording (`model_file.POOLING`), whatever their confidence.
        A detection is a species in one window with at least its threshold, at most `top_k` to a window; a last window
        that reaches past the end ends with the recording.
        """
        import torch

        hop = round(parameters.step * SAMPLE_RATE)
        starts = windows(len(waveform), window=self._window, step=hop)
        with torch.inference_mode():
            # The step as a whole number of samples, so that the model cannot round it to another grid.
            logits = self._module.analyse(torch.from_numpy(waveform), hop / SAMPLE_RATE).float().cpu().numpy()
        expected = (len(starts), len(self.manifest.labels))
        if logits.shape != expected or not np.isfinite(logits).all():
            raise BrokenModel(
                f"{self.name} {self.version} gave {logits.shape} logits, or some that are no numbers; {expected} fit.",
                hint="Activate another model with PUT /models/active; GET /models lists them.",
            )
        found = confidences(logits, self.manifest)
        return Heard(self._ranking(rank(found), parameters), self._detections(found, starts, len(waveform), parameters))

    def warm_up(self) -> None:
        """Runs on noise, so that the first recording does not pay for what torch makes on first use.

        Raises ModelFileError when the model cannot do it.
        """
        noise = np.random.default_rng(0).standard_normal(self._window * max(_WARM_UP_WINDOWS), np.float32) * 0.1
        parameters = self.parameters(ClassifyQuery())
        try:
            for count in _WARM_UP_WINDOWS:
                self.classify(noise[: count * self._window], parameters)
        except (BrokenModel, RuntimeError, AttributeError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise ModelFileError(
                f"{self.name} {self.version} cannot be run: {reason}", hint="Activate another model."
            ) from error

    def _ranking(self, pooled: npt.NDArray[np.float32], parameters: Parameters) -> list[Ranked]:
        order = np.argsort(-pooled, kind="stable")[: parameters.top_k]
        return [Ranked(**self._species(index), confidence=_rounded(pooled[index])) for index in order]

    def _detections(
        self, found: npt.NDArray[np.float32], starts: list[int], samples: int, parameters: Parameters
    ) -> list[Detection]:
        least = np.array(
            [parameters.thresholds.get(label.scientific, parameters.min_confidence) for label in self.manifest.labels],
            np.float32,
        )
        detections = []
        for start, window in zip(starts, found, strict=True):
            order = np.argsort(-window, kind="stable")[: parameters.top_k]
            end = min(start + self._window, samples)
            detections += [
                Detection(
                    start=_seconds(start),
                    end=_seconds(end),
                    **self._species(index),
                    confidence=_rounded(window[index]),
                )
                for index in order
                if window[index] >= least[index]
            ]
        return detections

    def _species(self, index: int) -> dict[str, Any]:
        label = self.manifest.labels[index]
        return {"species": label.scientific, "common_name": label.common}


def load_classifier(path: Path, sha256: str, *, model_id: str, name: str, version: int, threads: int) -> Classifier:
    """A classifier from a model file whose content has this sha256; `threads` are torch's for one pass.

    Raises ModelFileError when the file is another one, none of ours, or cannot be loaded.
    """
    # Here for the first time, and so in the loading thread: the service answers while torch is being imported.
    import torch

    torch.set_num_threads(threads)
    return Classifier(load(path, sha256), model_id, name, version)


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 3)


def _rounded(confidence: np.float32) -> float:
    return round(float(confidence), 4)
