"""Jobs, their outbox, and the log of what happened to them. See docs/adr/0002-the-database-is-the-truth.md."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.db.base import Base, Id, new_id, now

STATES = ("queued", "running", "succeeded", "failed", "dead", "cancelled")
FINAL_STATES = frozenset({"succeeded", "failed", "dead", "cancelled"})


def _partial_index(name: str, *columns: Any, where: str) -> Index:
    """An index over the few rows that are looked for all the time, not over the millions that have ended."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class Job(Base):
    """One unit of work. Every change of `state` is one conditional UPDATE in `shared.jobs`."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("(state = 'running') = (lease_expires_at IS NOT NULL)", name="lease_while_running"),
        Index("ix_jobs_created", "created_at", "id"),
        Index("ix_jobs_state_created", "state", "created_at", "id"),
        Index("ix_jobs_kind_created", "kind", "created_at", "id"),
        Index("ix_jobs_parent", "parent_id", "kind", "state"),
        _partial_index("ix_jobs_due", "queue", "priority", "not_before", where="state = 'queued'"),
        _partial_index("ix_jobs_leases", "lease_expires_at", where="state = 'running'"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str]
    """The name of the Celery task, `queue.verb`."""
    queue: Mapped[str]
    priority: Mapped[int] = mapped_column(default=5, server_default=text("5"))
    """The lower, the sooner; see `shared.jobs.Priority`."""
    state: Mapped[str] = mapped_column(default="queued")
    payload: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None]
    parent_id: Mapped[str | None] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"))

    fence: Mapped[int] = mapped_column(default=0)
    """Counts the claims; only the holder of the newest may write a result."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Claims that ended in a failure or a lost lease; a clean interruption does not count."""
    max_attempts: Mapped[int]
    not_before: Mapped[datetime] = mapped_column(default=now)
    lease_expires_at: Mapped[datetime | None]
    worker: Mapped[str | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)

    progress_at_start: Mapped[float] = mapped_column(default=0.0, server_default=text("0"))
    """`progress_done` when it was last claimed: what came since then tells how fast it goes."""
    progress_done: Mapped[float] = mapped_column(default=0.0)
    progress_furthest: Mapped[float] = mapped_column(default=0.0, server_default=text("0"))
    """The furthest that any of its runs came."""
    progress_total: Mapped[float | None]
    progress_message: Mapped[str] = mapped_column(default="")
    error_code: Mapped[str | None]
    error: Mapped[str | None] = mapped_column(Text)

    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Outbox(Base):
    """A doorbell to ring: written with its job in one transaction, deleted when the job is claimed or over."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "queue", "publish_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"), unique=True)
    queue: Mapped[str]
    publish_at: Mapped[datetime] = mapped_column(default=now)
    """When to ring (again)."""


class JobEvent(Base):
    """What happened to a job, append-only: its transitions and what it reports on its way (epochs, say)."""

    __tablename__ = "job_events"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(default=now)
    kind: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class IdempotencyKey(Base):
    """The answer once given to a POST with an `Idempotency-Key`, to be given again."""

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[str]
    status: Mapped[int]
    location: Mapped[str]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
