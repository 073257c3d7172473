"""Datasets and trainings as the API shows them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

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


class TrainingLine(BaseModel):
    """A training without its epochs; its state is its job's, and `model` is there once it has succeeded."""

    id: str
    name: str
    version: str
    state: str
    dataset_id: str
    config: dict[str, Any]
    val_top1: float | None = Field(
        description="Share of held-out slices whose best species is the right one, 0..1, at the last epoch tested"
    )
    model: ModelReference | None
    best_weights: str | None = Field(
        description="Where the best weights so far can be had when a training ends without a model. "
        '`"start_from": {"training": id}` in the config of another goes on from them'
    )
    job: JobView
    created_at: datetime


class TrainingView(TrainingLine):
    """A training with all its epochs."""

    epochs: list[Progress]


def training_line(session: Session, row: Training) -> TrainingLine:
    val_top1 = JobEvent.data["val_top1"].as_float()
    last = _epochs(row, JobEvent.id).limit(1)
    tested = _epochs(row, val_top1).where(val_top1.is_not(None)).order_by(JobEvent.id.desc()).limit(1)
    begun = session.scalar(last) is not None
    return TrainingLine(**_known(session, row, begun=begun), val_top1=session.scalar(tested))


def training_view(session: Session, row: Training) -> TrainingView:
    events = _epochs(row, JobEvent.data).order_by(JobEvent.id)
    epochs = [Progress.model_validate(data) for data in session.scalars(events)]
    tested = [one.val_top1 for one in epochs if one.val_top1 is not None]
    return TrainingView(
        **_known(session, row, begun=bool(epochs)), val_top1=tested[-1] if tested else None, epochs=epochs
    )


def _epochs(row: Training, column: ColumnElement[Any] | InstrumentedAttribute[Any]) -> Select[Any]:
    """That column of the events that are its epochs."""
    return select(column).where(JobEvent.job_id == row.job_id, JobEvent.kind == EPOCH)


def _known(session: Session, row: Training, *, begun: bool) -> dict[str, Any]:
    """What is told of a training anyway; `begun` where it has an epoch behind it."""
    job = session.get_one(Job, row.job_id)
    model = session.scalars(select(Model).where(Model.training_id == row.id)).one_or_none()
    stopped = job.cancel_requested or job.state in ("cancelled", "failed", "dead")
    return {
        "id": row.id,
        "name": row.name,
        "version": str(row.version),
        "state": job.state,
        "dataset_id": row.dataset_id,
        "config": row.config,
        "model": ModelReference(name=model.name, version=str(model.version)) if model else None,
        "best_weights": f"/trainings/{row.id}/weights" if stopped and begun else None,
        "job": JobView.of(job),
        "created_at": row.created_at,
    }
