"""Passages of heard recordings that a person is asked about, and what was said of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.db.base import Base, Id, new_id, now

VERDICTS = ("confirmed", "corrected", "noise", "unknown", "added")
WAITING = text("review_id IS NULL")
VALID = text("withdrawn_at IS NULL")


class ReviewCandidate(Base):
    """A passage that a person is asked about; written with the result of its recording, removed with it."""

    __tablename__ = "review_candidates"
    __table_args__ = (
        ForeignKeyConstraint(
            ["analysis_id", "position"],
            ["analysis_recordings.analysis_id", "analysis_recordings.position"],
            ondelete="CASCADE",
        ),
        Index("ix_review_candidates_recording", "analysis_id", "position"),
        # Walked backwards: the most uncertain first. Of all, of an analysis (with `review_id`, null as it is, so that
        # SQLite counts without a look at the rows), of a species.
        Index("ix_review_candidates_waiting", "uncertainty", "id", sqlite_where=WAITING, postgresql_where=WAITING),
        Index(
            "ix_review_candidates_analysis",
            "analysis_id",
            "uncertainty",
            "id",
            "review_id",
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
        Index(
            "ix_review_candidates_species",
            "species",
            "uncertainty",
            "id",
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    analysis_id: Mapped[str] = mapped_column(Id)
    position: Mapped[int]
    start: Mapped[float]
    """In seconds of the recording, as `end`."""
    end: Mapped[float]
    species: Mapped[str]
    """As the model calls it."""
    common_name: Mapped[str]
    confidence: Mapped[float]
    uncertainty: Mapped[float]
    """0..1; see `services.inference.teaching.uncertainty`."""
    others: Mapped[list[Any]]
    """What else was heard there, the surest first: `{"species", "common_name", "confidence"}`."""
    review_id: Mapped[str | None] = mapped_column(Id)
    """The review that it has; null while it waits, and again when that is withdrawn."""


class Review(Base):
    """What a person said of a candidate, or of a stretch that they drew. It outlives its analysis."""

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint(f"verdict IN {VERDICTS}", name="verdict"),
        CheckConstraint('start >= 0 AND "end" > start', name="order"),
        Index("ix_reviews_created", "created_at", "id", sqlite_where=VALID, postgresql_where=VALID),
        Index(
            "ix_reviews_analysis_created",
            "analysis_id",
            "created_at",
            "id",
            sqlite_where=VALID,
            postgresql_where=VALID,
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    candidate_id: Mapped[int | None]
    analysis_id: Mapped[str] = mapped_column(Id)
    """Which may be gone, as may its candidates."""
    position: Mapped[int]
    file: Mapped[str]
    start: Mapped[float]
    """In seconds of the recording that was heard, as `end`."""
    end: Mapped[float]
    verdict: Mapped[str]
    species: Mapped[str | None]
    """Scientific name of who sings there; null where nobody does, or nobody knows."""
    common_name: Mapped[str] = mapped_column(default="")
    heard: Mapped[dict[str, Any] | None]
    """What the model had said: `{"species", "common_name", "confidence"}`; null where a person drew the stretch."""
    model: Mapped[dict[str, Any]]
    """Which one had: `{"name", "version"}`."""
    recordist: Mapped[str] = mapped_column(default="")
    licence: Mapped[str] = mapped_column(default="")
    reviewed_by: Mapped[str]
    """The id of the key."""
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id"))
    """Of the job that takes it in."""
    recording_id: Mapped[str | None] = mapped_column(Id, ForeignKey("recordings.id", ondelete="SET NULL"), index=True)
    """In the library; null until it is there."""
    offset: Mapped[float] = mapped_column(default=0.0)
    """Where in the recording that was heard the one in the library begins, in seconds."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    withdrawn_at: Mapped[datetime | None]
