"""What the inference service says of its models."""

import re
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from shared.db.tables import Model
from shared.http.asked import Storable
from shared.model_file import DatasetReference, Label, Metric, ModelManifest, RecordingCredit

MODEL_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
MODEL_AND_VERSION = r"^[a-z0-9][a-z0-9._-]{0,63}:[1-9][0-9]{0,8}$"
_NON_COMMERCIAL = re.compile(r"\bnc\b", re.IGNORECASE)


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


class Activation(Storable):
    """Body of `PUT /models/active`. Answers name versions as texts, so a text with a number is taken too."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "garden-birds", "version": 3}]})

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
