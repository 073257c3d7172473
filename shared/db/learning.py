"""What is learned from the library: frozen datasets, trainings, and the models that come out."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.db.base import Base, Id, new_id, now

WEIGHTS = "weights"
"""The kind of job event that carries, as `key`, the best weights which a stopped training has left in the storage."""


class Dataset(Base):
    """A frozen list of slices with its split. The list is a JSON file; its sha256 is the dataset's identity."""

    __tablename__ = "datasets"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str]
    sha256: Mapped[str]
    file_key: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    summary: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Training(Base):
    """A request to train. Its state is its job's."""

    __tablename__ = "trainings"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    dataset_id: Mapped[str] = mapped_column(Id, ForeignKey("datasets.id"))
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id"), unique=True)
    name: Mapped[str]
    version: Mapped[int]
    """Of the model to be: reserved when the training is accepted."""
    config: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Model(Base):
    """A model in our own store. Only files with a row here, and with its sha256, are ever loaded."""

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str]
    version: Mapped[int]
    sha256: Mapped[str]
    file_key: Mapped[str]
    manifest: Mapped[dict[str, Any]]
    """The archive's `model.json`."""
    files: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Storage keys of what lies beside it: card, curves, confusion matrix."""
    training_id: Mapped[str | None] = mapped_column(Id, ForeignKey("trainings.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class ActiveModel(Base):
    """The one row that says which model answers `POST /classify`."""

    __tablename__ = "active_model"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    model_id: Mapped[str] = mapped_column(Id, ForeignKey("models.id"))
    previous_model_id: Mapped[str | None] = mapped_column(Id, ForeignKey("models.id"))
    activated_at: Mapped[datetime] = mapped_column(default=now)
