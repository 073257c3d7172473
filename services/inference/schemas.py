"""What the inference service is asked and what it answers. Seconds, confidences 0..1, scientific names as identity."""

import re
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared.db.tables import Model
from shared.model_file import DatasetReference, Label, Metric, ModelManifest, RecordingCredit

MODEL_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
DEFAULT_TOP_K = 5
_NON_COMMERCIAL = re.compile(r"\bnc\b", re.IGNORECASE)

Confidence = Annotated[float, Field(ge=0, le=1)]


class ClassifyQuery(BaseModel):
    """The query of `POST /classify`. What is left out is taken from the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_confidence: float | None = Field(
        None, ge=0, le=1, description="Smallest confidence of a detection; left out: the model's own thresholds"
    )
    top_k: int = Field(
        DEFAULT_TOP_K, ge=1, le=1000, description="How many species the ranking and each window name at most"
    )
    step: float | None = Field(
        None, ge=1, le=5, description="Seconds from one window to the next; left out: the model's own, usually 2.5"
    )


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
    """By scientific name, where the model's own threshold was used and differs from `min_confidence`."""


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


class Detection(BaseModel):
    """A species heard in one window. `expected_here` is null where place and season are unknown."""

    start: float
    end: float
    species: str
    common_name: str
    confidence: Confidence
    expected_here: bool | None = None


_CHIFFCHAFF: dict[str, JsonValue] = {
    "species": "Phylloscopus collybita",
    "common_name": "Common Chiffchaff",
    "confidence": 0.93,
}


class ClassifyAnswer(BaseModel):
    """The recording's ranking, highest first, and its timed detections in order of time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "request_id": "3f0e6c1f9a5e4c0b8f1d2a7c5b9e8d61",
                    "model": {"name": "garden-birds", "version": "3"},
                    "parameters": {"step": 2.5, "min_confidence": 0.1, "top_k": 5, "thresholds": {}},
                    "recording": {"seconds": 12.4, "sample_rate": 44100, "channels": 1, "warnings": []},
                    "ranking": [_CHIFFCHAFF],
                    "detections": [{"start": 2.5, "end": 7.5, **_CHIFFCHAFF, "expected_here": None}],
                }
            ]
        }
    )

    request_id: str
    model: ModelName
    parameters: Parameters
    recording: RecordingView
    ranking: list[Ranked]
    detections: list[Detection]


class ModelView(BaseModel):
    """A model of the store, as a list shows it."""

    id: str
    name: str
    version: str
    active: bool
    created_at: datetime
    network: str
    labels: int = Field(description="How many species it tells apart")
    metrics: dict[str, Metric]
    recordings: int = Field(description="How many recordings it was trained on")
    licences: list[str] = Field(description="Under which those recordings were shared")
    licence_note: str
    sha256: str = Field(description="Of the model file")
    has_card: bool
    files: list[str] = Field(description="What GET /models/{name}/{version}/{file} has of it")
    default_min_confidence: float
    training_id: str | None = Field(description="The training that made it; null for one that came from elsewhere")

    @classmethod
    def of(cls, model: Model, active_id: str | None) -> Self:
        manifest = ModelManifest.model_validate(model.manifest)
        return cls.model_validate(_shown(model, manifest, active_id))


class ModelDetails(ModelView):
    """A model with everything that is needed to judge it."""

    species: list[Label]
    window_seconds: float
    step_seconds: float
    thresholds: dict[str, float]
    dataset: DatasetReference
    credits: list[RecordingCredit]

    @classmethod
    def of(cls, model: Model, active_id: str | None) -> Self:
        manifest = ModelManifest.model_validate(model.manifest)
        return cls.model_validate(
            {
                **_shown(model, manifest, active_id),
                "species": manifest.labels,
                "window_seconds": manifest.window_seconds,
                "step_seconds": manifest.step_seconds,
                "thresholds": manifest.thresholds,
                "dataset": manifest.dataset,
                "credits": manifest.recordings,
            }
        )


class Activation(BaseModel):
    """Body of `PUT /models/active`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "garden-birds", "version": 3}]})

    name: str = Field(pattern=MODEL_NAME)
    version: int | None = Field(None, ge=1, description="Left out: the newest")


class ActiveModelView(BaseModel):
    """The model that answers, and the one before it: activating that one again is the way back."""

    model: ModelView
    previous: ModelView | None
    activated_at: datetime
    loaded: bool = Field(description="Whether the process that answers here has it in memory already")


def _shown(model: Model, manifest: ModelManifest, active_id: str | None) -> dict[str, object]:
    licences = sorted({credit.licence or "unknown" for credit in manifest.recordings})
    return {
        "id": model.id,
        "name": model.name,
        "version": str(model.version),
        "active": model.id == active_id,
        "created_at": model.created_at,
        "network": manifest.network,
        "labels": len(manifest.labels),
        "metrics": manifest.metrics,
        "recordings": manifest.dataset.recordings,
        "licences": licences,
        "licence_note": _licence_note(licences),
        "sha256": model.sha256,
        "has_card": "card" in model.files,
        "files": ["model", *sorted(model.files)],
        "default_min_confidence": manifest.default_min_confidence,
        "training_id": model.training_id,
    }


def _licence_note(licences: list[str]) -> str:
    if not licences:
        return "The model does not say whose recordings it was trained on."
    note = f"Trained on recordings shared under: {', '.join(licences)}."
    if any(_NON_COMMERCIAL.search(licence) for licence in licences):
        note += " Some of them ask not to be used commercially."
    return note
