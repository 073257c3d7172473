"""Who sings in a recording. Seconds, confidences 0..1, scientific names as identity."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from chiffchaff_client.answers import Answer


class Asked(TypedDict, total=False):
    """How a recording is to be heard. What is left out, or None, is taken from the model."""

    top_k: int | None
    """How many species the ranking and each window name at most."""
    min_confidence: float | None
    """Least confidence of a detection, 0..1."""
    thresholds: Mapping[str, float] | None
    """The same for single species, by name."""
    species: Sequence[str] | None
    """Name only these, by scientific or common name."""
    step: float | None
    """Seconds from one window of the model to the next."""
    merge: float | None
    """Join detections of one species that are at most so many seconds apart."""
    latitude: float | None
    longitude: float | None
    """Where it was recorded, in degrees north and east: both or neither."""
    date: datetime.date | str | None
    """When it was recorded."""
    unexpected: Literal["flag", "drop"]
    """What becomes of species that are not expected there and then."""
    model: str | None
    """Instead of the active one: `garden-birds`, or `garden-birds:2`."""


def parameters_of(asked: Asked) -> dict[str, Any]:
    """As the server names them."""
    thresholds = asked.get("thresholds") or {}
    given = {name: value for name, value in asked.items() if value is not None and name != "thresholds"}
    return given | {"threshold": [f"{name}:{least}" for name, least in thresholds.items()]}


class ModelName(Answer):
    """Which model answered."""

    name: str
    version: str


class Parameters(Answer):
    """How it was asked, what was left out filled in: sent again to the same model, they give the same answer."""

    step: float
    min_confidence: float
    top_k: int
    thresholds: dict[str, float]
    merge: float | None = None
    species: list[str] | None = None
    latitude: float | None = None
    longitude: float | None = None
    date: datetime.date | None = None
    unexpected: str = "flag"


class RecordingHeard(Answer):
    """The recording as it came; `seconds` is what could be decoded of it."""

    seconds: float
    sample_rate: int
    channels: int
    warnings: list[str]


class Ranked(Answer):
    """A species and how sure the model is that the recording holds it."""

    species: str
    common_name: str
    confidence: float
    expected_here: bool | None = None
    """At that place and season; None where that is not known."""


class Detection(Ranked):
    """A species heard from `start` to `end`, in one window of the model or in several that were joined."""

    start: float
    end: float
    known: bool | None = None
    """Whether it sounds like anything that the model has learnt; None where the model cannot tell."""
    windows: int = 1


class Classification(Answer):
    """The recording's ranking, highest first, and its detections in order of time.

    `outcome` is `species`, `unknown` (something stands out that is none of the model's species, or none for sure) or
    `nothing`.
    """

    request_id: str
    model: ModelName
    parameters: Parameters
    recording: RecordingHeard
    outcome: str
    ranking: list[Ranked]
    detections: list[Detection]
