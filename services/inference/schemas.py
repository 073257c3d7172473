"""What `POST /classify` is asked and what it answers. Seconds, confidences 0..1, scientific names as identity."""

import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from shared.http.asked import Day

DEFAULT_TOP_K = 5
MOST_SPECIES = 500
"""In one query: a longer list belongs to a model of its own."""

Confidence = Annotated[float, Field(ge=0, le=1)]
Latitude = Annotated[float, Field(ge=-90, le=90, description="Degrees north")]
Longitude = Annotated[float, Field(ge=-180, le=180, description="Degrees east")]
Outcome = Literal["species", "unknown", "nothing"]


class ClassifyQuery(BaseModel):
    """The query of `POST /classify`. What is left out is taken from the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_confidence: float | None = Field(
        None, ge=0, le=1, description="Smallest confidence of a detection; left out: the model's own thresholds"
    )
    threshold: list[str] = Field(
        default_factory=list,
        max_length=MOST_SPECIES,
        description="Smallest confidence for one species, whatever `min_confidence` is; repeatable",
        examples=[["Turdus merula:0.4"]],
    )
    top_k: int = Field(
        DEFAULT_TOP_K, ge=1, le=1000, description="How many species the ranking and each window name at most"
    )
    step: float | None = Field(
        None, ge=1, le=5, description="Seconds from one window to the next; left out: the model's own, usually 2.5"
    )
    merge: float | None = Field(
        None,
        ge=0,
        le=60,
        description="Join detections of one species that overlap, touch or are at most so many seconds apart; "
        "left out: each window stands for itself",
    )
    species: list[str] = Field(
        default_factory=list,
        max_length=MOST_SPECIES,
        description="Name only these, by scientific or common name, one each or separated by commas; repeatable",
        examples=[["Turdus merula", "Common Chiffchaff"]],
    )
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    date: Day | None = Field(None, description="Of the recording; with a place, or by itself")
    unexpected: Literal["flag", "drop"] = Field(
        "flag", description="What becomes of species that are not expected at that place and season"
    )
    model: str | None = Field(
        None,
        max_length=80,
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}(:[1-9][0-9]{0,8})?$",
        description="Instead of the active one: `garden-birds` is its newest version, `garden-birds:2` that one",
    )

    @model_validator(mode="after")
    def _a_place_has_two_numbers(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude belong together: send both or neither")
        return self


class ModelName(BaseModel):
    """Which model answered."""

    name: str
    version: str


class Parameters(BaseModel):
    """How it was asked, defaults filled in: sent again to the same model, they give the same answer."""

    model_config = ConfigDict(frozen=True)

    step: float
    min_confidence: float
    top_k: int
    thresholds: dict[str, float] = Field(default_factory=dict)
    """By scientific name, where it differs from `min_confidence`: the model's own, and those asked for."""
    merge: float | None = None
    species: list[str] | None = Field(None, description="Scientific names of those asked for; null: all")
    latitude: float | None = None
    longitude: float | None = None
    date: datetime.date | None = None
    unexpected: Literal["flag", "drop"] = "flag"


class RecordingView(BaseModel):
    """The recording as it came; `seconds` is what could be decoded of it."""

    seconds: float
    sample_rate: int
    channels: int
    warnings: list[str]


class Ranked(BaseModel):
    """A species and how sure the model is that the recording holds it."""

    species: str
    common_name: str
    confidence: Confidence
    expected_here: bool | None = Field(None, description="At that place and season; null where that is not known")


class Detection(BaseModel):
    """A species heard in one window, or in several that were joined."""

    start: float
    end: float
    species: str
    common_name: str
    confidence: Confidence = Field(description="The highest of the windows, where several were joined")
    known: bool | None = Field(
        None, description="Whether the window sounds like anything the model knows; null where the model cannot tell"
    )
    expected_here: bool | None = Field(None, description="At that place and season; null where that is not known")
    windows: int = Field(1, ge=1, description="How many were joined")


_CHIFFCHAFF: dict[str, JsonValue] = {
    "species": "Phylloscopus collybita",
    "common_name": "Common Chiffchaff",
    "confidence": 0.93,
    "expected_here": None,
}


class ClassifyAnswer(BaseModel):
    """The recording's ranking, highest first, and its timed detections in order of time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "request_id": "3f0e6c1f9a5e4c0b8f1d2a7c5b9e8d61",
                    "model": {"name": "garden-birds", "version": "3"},
                    "parameters": {
                        "step": 2.5,
                        "min_confidence": 0.1,
                        "top_k": 5,
                        "thresholds": {},
                        "merge": None,
                        "species": None,
                        "latitude": None,
                        "longitude": None,
                        "date": None,
                        "unexpected": "flag",
                    },
                    "recording": {"seconds": 12.4, "sample_rate": 44100, "channels": 1, "warnings": []},
                    "outcome": "species",
                    "ranking": [_CHIFFCHAFF],
                    "detections": [{"start": 2.5, "end": 7.5, **_CHIFFCHAFF, "known": True, "windows": 1}],
                }
            ]
        }
    )

    request_id: str
    model: ModelName
    parameters: Parameters
    recording: RecordingView
    outcome: Outcome = Field(
        description="`species`: at least one is detected, and the recording sounds like what the model knows. "
        "`unknown`: something stands out that is none of its species, or none for sure. `nothing`: nothing stands out"
    )
    ranking: list[Ranked]
    detections: list[Detection]
