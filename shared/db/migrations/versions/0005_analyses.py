"""Analyses of many or long recordings

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from shared.db.base import Json, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OUTCOMES = "outcome IN ('waiting', 'species', 'unknown', 'nothing', 'failed')"


def upgrade() -> None:
    op.create_table(
        "analyses",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.String(length=32), nullable=False),
        sa.Column("source", Json, nullable=False),
        sa.Column("about", Json, nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analyses")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_analyses_job_id_jobs")),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_analyses_model_id_models")),
        sa.UniqueConstraint("job_id", name=op.f("uq_analyses_job_id")),
    )
    op.create_index("ix_analyses_created", "analyses", ["created_at", "id"])
    op.create_table(
        "analysis_recordings",
        sa.Column("analysis_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("recording_id", sa.String(length=32)),
        sa.Column("storage_key", sa.String()),
        sa.Column("path", sa.LargeBinary()),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("seconds", sa.Double()),
        sa.Column("detections", sa.Integer()),
        sa.Column("top", Json),
        sa.Column("error_code", sa.String()),
        sa.Column("error", sa.Text()),
        sa.Column("heard_at", UtcDateTime()),
        sa.Column("result", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("analysis_id", "position", name=op.f("pk_analysis_recordings")),
        sa.ForeignKeyConstraint(
            ["analysis_id"],
            ["analyses.id"],
            name=op.f("fk_analysis_recordings_analysis_id_analyses"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recordings.id"],
            name=op.f("fk_analysis_recordings_recording_id_recordings"),
            ondelete="SET NULL",
        ),
        sa.CheckConstraint(OUTCOMES, name="outcome"),
    )
    counted = ["analysis_id", "outcome", "position", "size", "seconds"]
    op.create_index("ix_analysis_recordings_outcome", "analysis_recordings", counted)
    for column in ("recording_id", "storage_key"):
        op.create_index(op.f(f"ix_analysis_recordings_{column}"), "analysis_recordings", [column])


def downgrade() -> None:
    """All analyses are lost, and so is the way to what was uploaded for them."""
    op.drop_table("analysis_recordings")
    op.drop_table("analyses")
