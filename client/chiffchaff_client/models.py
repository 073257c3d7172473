"""The models, and which of them answers."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Final

from chiffchaff_client.answers import Answer
from chiffchaff_client.transport import Transport, at

FILES: Final = {
    "model": "model.pt",
    "pt2": "model.pt2",
    "onnx": "model.onnx",
    "card": "card.md",
    "curves": "curves.png",
    "confusion": "confusion.png",
    "reliability": "reliability.png",
    "species": "species.png",
    "unknown": "unknown.png",
    "predictions": "predictions.json",
}
"""What a model may have, by its name in the API, and the file it is saved as."""


class Metric(Answer):
    """A figure with its 95 % interval, where one is known."""

    value: float
    low: float | None = None
    high: float | None = None


class Model(Answer):
    """A model as a list shows it; `labels` is how many species it tells apart."""

    id: str
    name: str
    version: str
    active: bool
    created_at: datetime
    network: str
    labels: int
    metrics: dict[str, Metric]
    recordings: int
    licences: list[str]
    licence_note: str
    sha256: str
    files: list[str]
    default_min_confidence: float
    training_id: str | None = None


class Label(Answer):
    scientific: str
    common: str = ""


class DatasetOfModel(Answer):
    id: str
    sha256: str
    recordings: int
    slices: int


class TrainingRecording(Answer):
    """Whose recording trained the model, and under which licence."""

    sha256: str
    species: str
    xc_id: str | None = None
    recordist: str | None = None
    licence: str | None = None


class ModelDetails(Model):
    """A model with everything that is needed to judge it."""

    species: list[Label]
    window_seconds: float
    step_seconds: float
    thresholds: dict[str, float]
    dataset: DatasetOfModel
    credits: list[TrainingRecording]


class ActiveModel(Answer):
    """The model that answers, and the one before it: activating that one again is the way back."""

    model: Model
    previous: Model | None = None
    activated_at: datetime
    loaded: bool


class Said(Answer):
    """A species and how sure a model was of it."""

    species: str
    confidence: float


class Difference(Answer):
    """A recording that one of two models names rightly and the other does not; None where one named nothing."""

    sha256: str
    species: str
    said: Said | None
    other_said: Said | None


class SpeciesComparison(Answer):
    """Right first places of one species' recordings."""

    species: str
    recordings: int
    right: int
    other_right: int


class Comparison(Answer):
    """Two models on the recordings that both held out; `better` is right here and wrong there, `worse` the reverse."""

    recordings: int
    only_this: int
    only_other: int
    top1: float
    other_top1: float
    difference: Metric
    both_right: int
    neither_right: int
    better: Sequence[Difference]
    worse: Sequence[Difference]
    species: Sequence[SpeciesComparison]


class Models:
    """`chiffchaff.models`"""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, name: str | None = None, limit: int | None = None) -> Iterator[Model]:
        """The newest first, all or the versions of one name; at most `limit`."""
        return self._transport.pages("/models", Model, limit, name=name)

    def get(self, name: str, version: int | str) -> ModelDetails:
        return self._transport.get(at("models", name, str(version)), ModelDetails)

    def compare(self, name: str, version: int | str, other: tuple[str, int | str]) -> Comparison:
        """A model and an `other` (name, version) on what both held out; docs/evaluation.md explains the figures."""
        path = at("models", name, str(version), "comparison")
        return self._transport.get(path, Comparison, other=":".join(map(str, other)))

    def active(self) -> ActiveModel:
        return self._transport.get("/models/active", ActiveModel)

    def activate(self, name: str, version: int | str | None = None) -> ActiveModel:
        """Lets a model answer, its newest version if none is named. It is in use when this returns."""
        number = None if version is None else int(version)
        return self._transport.put("/models/active", ActiveModel, {"name": name, "version": number})

    def download(self, name: str, version: int | str, folder: str | PathLike[str]) -> Sequence[Path]:
        """Saves a model in all its formats, with its card and pictures, into a folder, made where it is missing."""
        there = self.get(name, version).files
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        return [
            self._transport.save(at("models", name, str(version), kind), target / file)
            for kind, file in FILES.items()
            if kind in there
        ]
