"""Who sings in a recording. Seconds, confidences 0..1, scientific names as identity."""

import datetime

from chiffchaff_client.answers import Answer


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
