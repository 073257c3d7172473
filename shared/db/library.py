"""The library: species, recordings with their origin, and the sections and slices found in them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.db.base import Base, Id, new_id, now

UNPREPARED = text("prepared_at IS NULL")
DELETED = text("deleted_at IS NOT NULL")
PRESENT = text("deleted_at IS NULL")
REVIEW = "review"
"""The source of a recording that reviews brought in."""


class Species(Base):
    """A species by its scientific name, which is its identity everywhere."""

    __tablename__ = "species"

    scientific_name: Mapped[str] = mapped_column(primary_key=True)
    common_name: Mapped[str] = mapped_column(default="")
    """In English, as the IOC World Bird List has it."""
    names: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Common names in other languages, by their ISO 639-1 codes."""


class Recording(Base):
    """One recording: its file, what it shows, where it comes from, who may use it how."""

    __tablename__ = "recordings"
    __table_args__ = (
        Index("ix_recordings_created", "created_at", "id"),
        Index("ix_recordings_label_created", "label", "created_at", "id"),
        # In order, because PostgreSQL takes a rare country for a common one and would walk through all recordings.
        Index("ix_recordings_country_created", "country", "created_at", "id"),
        Index("ix_recordings_place", "latitude", "longitude"),
        Index("ix_recordings_unprepared", "created_at", "id", sqlite_where=UNPREPARED, postgresql_where=UNPREPARED),
        Index("ix_recordings_deleted", "created_at", "id", sqlite_where=DELETED, postgresql_where=DELETED),
        # All that the statistics of species need, so that they read no recording.
        Index(
            "ix_recordings_statistics",
            "label",
            "recordist",
            "quality",
            "seconds",
            "signal_seconds",
            "deleted_at",
            sqlite_where=PRESENT,
            postgresql_where=PRESENT,
        ),
        CheckConstraint("quality IN ('A', 'B', 'C', 'D', 'E')", name="quality"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    sha256: Mapped[str] = mapped_column(unique=True)
    """Of the original file: the same content twice is one recording."""
    original_key: Mapped[str]
    original_name: Mapped[str]
    size: Mapped[int]

    label: Mapped[str | None] = mapped_column(ForeignKey("species.scientific_name"))
    secondary: Mapped[list[str]] = mapped_column(default=list)
    """Other species that sing in it, scientific names."""
    source: Mapped[str]
    source_url: Mapped[str] = mapped_column(default="")
    xc_id: Mapped[str | None] = mapped_column(index=True)
    recordist: Mapped[str] = mapped_column(default="", index=True)
    licence: Mapped[str] = mapped_column(default="", index=True)
    country: Mapped[str] = mapped_column(default="")
    locality: Mapped[str] = mapped_column(default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    recorded_on: Mapped[date | None] = mapped_column(index=True)
    recorded_time: Mapped[str] = mapped_column(default="", server_default="")
    """Local time of day, `HH:MM`."""
    quality: Mapped[str | None]
    """A (best) to E, as on Xeno-canto; null where nobody rated it."""
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Every other field that the source gave, as it gave it."""
    annotations: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """Sections that a person marked: `{"start": seconds, "end": seconds, "species": scientific name or ""}`, and
    `"kind"` where it is `noise` or `unknown`. Those with a `"review"`, its id, say something of their stretch only."""
    excerpt_of: Mapped[str | None] = mapped_column(index=True)
    """Of a piece of a longer recording, the sha256 of that one's file."""

    prepared_key: Mapped[str | None]
    """Mono PCM16 WAV at 22,050 Hz; null until prepared."""
    prepared_samples: Mapped[int | None]
    prepared_sha256: Mapped[str | None] = mapped_column(index=True)
    """Of the prepared samples: the same sound in two formats (or under two headers) often has one."""
    segmentation: Mapped[str | None]
    """The preset that its sections come from; `given` where a person marked them."""
    signal_seconds: Mapped[float | None]
    """How long a bird is heard: the length of its signal sections."""
    format: Mapped[str | None]
    sample_rate: Mapped[int | None]
    channels: Mapped[int | None]
    seconds: Mapped[float | None]
    warnings: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    prepared_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    """Since when it is out of the lists, the statistics and new datasets; its file stays."""

    sections: Mapped[list["Section"]] = relationship(order_by="Section.start", passive_deletes=True)
    slices: Mapped[list["Slice"]] = relationship(order_by="Slice.start", passive_deletes=True)


class Section(Base):
    """A stretch of a recording that holds signal (a bird) or noise; the rest is neither. In samples at 22,050 Hz."""

    __tablename__ = "sections"
    __table_args__ = (
        UniqueConstraint("recording_id", "start", "kind", "label"),
        CheckConstraint("kind IN ('signal', 'noise')", name="kind"),
        CheckConstraint('start >= 0 AND "end" > start', name="order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    recording_id: Mapped[str] = mapped_column(Id, ForeignKey("recordings.id", ondelete="CASCADE"))
    kind: Mapped[str]
    label: Mapped[str] = mapped_column(default="", server_default="")
    """Whose signal it is where a person marked another species than the recording's own; else empty."""
    start: Mapped[int]
    end: Mapped[int]


class Slice(Base):
    """A window of the recording's time line, in samples at 22,050 Hz; a short one is padded when it is read."""

    __tablename__ = "slices"
    __table_args__ = (
        UniqueConstraint("recording_id", "start", "kind", "label"),
        CheckConstraint("kind IN ('signal', 'noise')", name="kind"),
        CheckConstraint("start >= 0 AND length > 0", name="extent"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    recording_id: Mapped[str] = mapped_column(Id, ForeignKey("recordings.id", ondelete="CASCADE"))
    kind: Mapped[str]
    label: Mapped[str] = mapped_column(default="", server_default="")
    """Whose signal it is where a person marked another species than the recording's own; else empty."""
    start: Mapped[int]
    length: Mapped[int]
    signal_fraction: Mapped[float]


class Ingestion(Base):
    """A request to bring recordings in. What became of it follows from its jobs and items."""

    __tablename__ = "ingestions"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id"), unique=True)
    source: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    warnings: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    """What a person should look at though nothing failed, such as a class without files."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class IngestionItem(Base):
    """One file of an ingestion: accepted (a recording and its job), known already, refused or skipped with a reason.

    Of a source that tells what it has before it gives it, the rows are there first, as `waiting`.
    """

    __tablename__ = "ingestion_items"
    __table_args__ = (
        UniqueConstraint("ingestion_id", "path"),
        Index("ix_ingestion_items_outcome", "ingestion_id", "outcome", "path"),
        Index(
            "ix_ingestion_items_noted",
            "ingestion_id",
            "id",
            sqlite_where=text("error_code IS NOT NULL"),
            postgresql_where=text("error_code IS NOT NULL"),
        ),
        CheckConstraint("outcome IN ('waiting', 'accepted', 'known', 'refused', 'skipped')", name="outcome"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    ingestion_id: Mapped[str] = mapped_column(Id, ForeignKey("ingestions.id", ondelete="CASCADE"))
    path: Mapped[str]
    label: Mapped[str | None]
    outcome: Mapped[str]
    recording_id: Mapped[str | None] = mapped_column(Id, ForeignKey("recordings.id", ondelete="SET NULL"), index=True)
    job_id: Mapped[str | None] = mapped_column(Id, ForeignKey("jobs.id", ondelete="SET NULL"), index=True)
    error_code: Mapped[str | None]
    error: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any] | None]
    """What the source says of a file that waits."""


class Throttle(Base):
    """When another service may be asked again; shared by all processes that ask it."""

    __tablename__ = "throttles"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
