"""Datasets and trainings as the API shows them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.trainer.progress import EPOCH, Progress
from services.trainer.selection import Selection
from services.trainer.summary import Summary
from shared.db.tables import Dataset, Job, JobEvent, Model, Training
from shared.http.job_views import JobView


class DatasetView(BaseModel):
    """A frozen dataset; its sha256 names exactly these slices in this split."""

    id: str
    name: str
    sha256: str
    parameters: Selection
    summary: Summary
    created_at: datetime

    @classmethod
    def of(cls, row: Dataset) -> "DatasetView":
        return cls(
            id=row.id,
            name=row.name,
            sha256=row.sha256,
            parameters=Selection.model_validate(row.parameters),
            summary=Summary.model_validate(row.summary),
            created_at=row.created_at,
        )


class ModelReference(BaseModel):
    """What `PUT /models/active` takes."""

    name: str
    version: str


class TrainingView(BaseModel):
    """A training; its state is its job's, and `model` is there once it has succeeded."""

    id: str
    name: str
    version: str
    state: str
    dataset_id: str
    config: dict[str, Any]
    epochs: list[Progress]
    model: ModelReference | None
    best_weights: str | None = Field(
        description="Where the best weights so far can be had when a training ends without a model. "
        '`"start_from": {"training": id}` in the config of another goes on from them'
    )
    job: JobView
    created_at: datetime


def training_view(session: Session, row: Training) -> TrainingView:
    job = session.get_one(Job, row.job_id)
    model = session.scalars(select(Model).where(Model.training_id == row.id)).one_or_none()
    stopped = job.cancel_requested or job.state in ("cancelled", "failed", "dead")
    events = select(JobEvent.data).where(JobEvent.job_id == row.job_id, JobEvent.kind == EPOCH).order_by(JobEvent.id)
    epochs = [Progress.model_validate(data) for data in session.scalars(events)]
    return TrainingView(
        id=row.id,
        name=row.name,
        version=str(row.version),
        state=job.state,
        dataset_id=row.dataset_id,
        config=row.config,
        epochs=epochs,
        model=ModelReference(name=model.name, version=str(model.version)) if model else None,
        best_weights=f"/trainings/{row.id}/weights" if stopped and epochs else None,
        job=JobView.of(job),
        created_at=row.created_at,
    )
