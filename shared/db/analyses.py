"""Analyses: many or long recordings heard as jobs, and what was heard in each."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.db.base import Base, Id, new_id, now


class Analysis(Base):
    """A request to hear recordings. Its state follows from its jobs and recordings."""

    __tablename__ = "analyses"
    __table_args__ = (Index("ix_analyses_created", "created_at", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id"), unique=True)
    """Of the job that lists the recordings; those that hear them are its children."""
    model_id: Mapped[str] = mapped_column(Id, ForeignKey("models.id"))
    source: Mapped[dict[str, Any]]
    """As it was asked for."""
    about: Mapped[dict[str, Any]]
    """Model, version and parameters, fixed when it was accepted; stands in every result."""
    made_by: Mapped[str]
    """The id of the key."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    removed_at: Mapped[datetime | None]
    """From then on nobody sees it; a job removes its uploads, its results and itself."""


class AnalysisRecording(Base):
    """One recording of an analysis: where its sound is, and what was heard. Written once when it has been heard."""

    __tablename__ = "analysis_recordings"
    __table_args__ = (
        CheckConstraint("outcome IN ('waiting', 'species', 'unknown', 'nothing', 'failed')", name="outcome"),
        # All that counting needs, so that it reads no result.
        Index("ix_analysis_recordings_outcome", "analysis_id", "outcome", "position", "size", "seconds"),
    )

    analysis_id: Mapped[str] = mapped_column(Id, ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 0, in the order of the source."""
    file: Mapped[str]
    """What a person calls it: the name it was sent with, or its path inside the folder."""
    size: Mapped[int] = mapped_column(BigInteger)
    """Of its file, in bytes."""
    recording_id: Mapped[str | None] = mapped_column(Id, ForeignKey("recordings.id", ondelete="SET NULL"), index=True)
    storage_key: Mapped[str | None] = mapped_column(index=True)
    path: Mapped[bytes | None]
    """Where it lies on the server's own disk, as the file system spells it, where it is not in the storage."""
    outcome: Mapped[str] = mapped_column(default="waiting")
    seconds: Mapped[float | None]
    detections: Mapped[int | None]
    top: Mapped[list[Any] | None]
    """The first species of its ranking."""
    error_code: Mapped[str | None]
    error: Mapped[str | None] = mapped_column(Text)
    heard_at: Mapped[datetime | None]
    result: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """The whole result, JSON compressed by zlib: of a day in one file less than a megabyte."""
