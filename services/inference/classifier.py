"""A loaded model that answers: samples in, ranking and timed detections out. No web and no database here."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from services.inference.asked import parameters_of
from services.inference.hearing import Hearing, Logits, Samples, Waveform
from services.inference.merging import merged
from services.inference.schemas import ClassifyQuery, Detection, Outcome, Parameters, Ranked
from shared.audio.constants import SAMPLE_RATE
from shared.audio.report import Told
from shared.audio.slices import negligible, pad_window, windows
from shared.audio.wav import as_float, forget_pages
from shared.errors import ChiffchaffError, ModelFileError
from shared.model_file import LoadedModel, load

if TYPE_CHECKING:
    import torch

PIECE_SECONDS = 600.0
"""Of a recording at once, so that a day takes no more memory than ten minutes."""
CONTEXT_SECONDS = 5.0
_WARM_UP_WINDOWS = (1, 1, 2)
"""The second run is when torch compiles what the first has shown it."""


class BrokenModel(ChiffchaffError):
    """The active model does what no model file may; warming up lets none through that always does."""

    code = "broken-model"
    title = "The model's answer makes no sense"


@dataclass(frozen=True)
class Heard:
    """What the model makes of one recording."""

    outcome: Outcome
    ranking: list[Ranked]
    detections: list[Detection]


class Classifier:
    """One version of a model, in memory. Several threads may use it at once."""

    def __init__(self, loaded: LoadedModel, model_id: str, name: str, version: int, device: str = "cpu") -> None:
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
        self._module = faster(loaded.module)
        self._device = device
        self._window = round(manifest.window_seconds * SAMPLE_RATE)

    def parameters(self, query: ClassifyQuery) -> Parameters:
        """The query with this model's defaults filled in. Raises InvalidInput, as `parameters_of`."""
        return parameters_of(query, self.manifest)

    def classify(self, samples: Samples, parameters: Parameters, told: Told | None = None) -> Heard:
        """Listen to mono samples at 22,050 Hz, (samples,), float32 or int16 as they are stored.

        The ranking names the `top_k` species of the whole recording (`model_file.POOLING`), whatever their confidence.
        A detection is a species in one window with at least its threshold, at most `top_k` to a window; a last window
        that reaches past the end ends with the recording. Where species are asked for, there are no others. `told` is
        called every ten minutes of sound; what it raises ends the listening.
        """
        passages = self.logits(samples, parameters.step)
        return self._made_of(samples, parameters, _telling(passages, len(samples), told) if told else passages)

    def is_one_window(self, samples: Samples) -> bool:
        """Whether the recording is so short that it can be heard together with others."""
        return len(samples) <= self._window + negligible(self._window)

    def classify_together(self, recordings: Sequence[tuple[Samples, Parameters]]) -> list[Heard]:
        """Several of one window each, in one pass: each as `classify` hears it."""
        sound = np.stack([pad_window(as_float(samples[: self._window]), self._window) for samples, _ in recordings])
        logits = self._heard_by(self._module, sound)
        return [
            self._made_of(samples, parameters, [([0], row[np.newaxis])])
            for (samples, parameters), row in zip(recordings, self._checked(logits, len(recordings)), strict=True)
        ]

    def logits(self, samples: Samples, step: float) -> Iterator[tuple[list[int], Logits]]:
        """Starts of windows, in samples, and their logits (windows, classes), some minutes at a time."""
        hop = round(step * SAMPLE_RATE)
        starts = windows(len(samples), window=self._window, step=hop)
        around = -(-round(CONTEXT_SECONDS * SAMPLE_RATE) // hop)
        piece = max(1, round(PIECE_SECONDS * SAMPLE_RATE) // hop)
        for first in range(0, len(starts), piece):
            wanted = starts[first : first + piece]
            # Some windows before and after are heard as well, so that nobody can tell where a piece begins.
            begin = max(0, first - around)
            end = min(len(starts), first + piece + around)
            sound = as_float(samples[starts[begin] : starts[end - 1] + self._window])
            forget_pages(samples)
            # The step as a whole number of samples, so that the model cannot round it to another grid.
            logits = self._heard_by(self._module.analyse, sound, hop / SAMPLE_RATE)
            yield wanted, self._checked(logits, end - begin)[first - begin :][: len(wanted)]

    def _heard_by(self, entry: Callable[..., Any], sound: Waveform, *more: float) -> Logits:
        import torch

        with torch.inference_mode():
            logits: Logits = entry(torch.from_numpy(sound).to(self._device), *more).float().cpu().numpy()
            return logits

    def _checked(self, logits: Logits, count: int) -> Logits:
        expected = (count, len(self.manifest.labels))
        if logits.shape != expected or not np.isfinite(logits).all():
            raise BrokenModel(
                f"{self.name} {self.version} gave {logits.shape} logits, or some that are no numbers; {expected} fit.",
                hint="Activate another model with PUT /models/active; GET /models lists them.",
            )
        return logits

    def _made_of(self, samples: Samples, parameters: Parameters, passages: Iterable[tuple[list[int], Logits]]) -> Heard:
        hearing = Hearing(self.manifest, parameters, len(samples))
        found = hearing.detections(passages)
        detections = list(found if parameters.merge is None else merged(found, parameters.merge))
        return Heard(hearing.outcome(samples), hearing.ranking(), detections)

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


def _telling(
    passages: Iterable[tuple[list[int], Logits]], samples: int, told: Told
) -> Iterator[tuple[list[int], Logits]]:
    for starts, logits in passages:
        yield starts, logits
        told(starts[-1] / samples)


def faster(module: "torch.jit.ScriptModule") -> "torch.jit.ScriptModule":
    """The same module with its weights as constants, norms folded into convolutions, in the order that those like.

    `make bench-inference` measures this beside what else was tried.
    """
    import torch

    entries = [name for name in ("analyse", "frames") if hasattr(module, name)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
        frozen: torch.jit.ScriptModule = torch.jit.freeze(
            module.eval().to(memory_format=torch.channels_last),  # type: ignore[call-overload]
            preserved_attrs=entries,
        )
    return frozen


def load_classifier(
    path: Path, sha256: str, *, model_id: str, name: str, version: int, threads: int, device: str = "auto"
) -> Classifier:
    """A classifier from a model file whose content has this sha256.

    `threads` are torch's for one pass on a processor. `device` is one of torch's; `auto` is the GPU where there is one.
    Raises ModelFileError when the file is another one, none of ours, or cannot be loaded.
    """
    # Here for the first time, and so in the loading thread: the service answers while they are being imported.
    import torch

    import shared.audio.segment  # noqa: F401 (what `hearing` will ask)

    torch.set_num_threads(threads)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return Classifier(load(path, sha256, device), model_id, name, version, device)
