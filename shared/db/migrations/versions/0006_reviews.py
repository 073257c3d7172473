"""Reviews of what was heard, and excerpts of long recordings

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from shared.db.base import Json, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

VERDICTS = "verdict IN ('confirmed', 'corrected', 'noise', 'unknown', 'added')"
INDEXES: dict[str, tuple[str, list[str], str | None]] = {
    "ix_review_candidates_recording": ("review_candidates", ["analysis_id", "position"], None),
    "ix_review_candidates_waiting": ("review_candidates", ["uncertainty", "id"], "review_id IS NULL"),
    "ix_review_candidates_analysis": (
        "review_candidates",
        ["analysis_id", "uncertainty", "id", "review_id"],
        "review_id IS NULL",
    ),
    "ix_review_candidates_species": ("review_candidates", ["species", "uncertainty", "id"], "review_id IS NULL"),
    "ix_reviews_created": ("reviews", ["created_at", "id"], "withdrawn_at IS NULL"),
    "ix_reviews_analysis_created": ("reviews", ["analysis_id", "created_at", "id"], "withdrawn_at IS NULL"),
    "ix_reviews_recording_id": ("reviews", ["recording_id"], None),
}
"""Of which table, by which columns, and of which rows."""


def upgrade() -> None:
    with op.batch_alter_table("recordings") as table:
        table.add_column(sa.Column("excerpt_of", sa.String()))
        table.create_index(op.f("ix_recordings_excerpt_of"), ["excerpt_of"])
    op.create_table(
        "review_candidates",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("analysis_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("start", sa.Double(), nullable=False),
        sa.Column("end", sa.Double(), nullable=False),
        sa.Column("species", sa.String(), nullable=False),
        sa.Column("common_name", sa.String(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("uncertainty", sa.Double(), nullable=False),
        sa.Column("others", Json, nullable=False),
        sa.Column("review_id", sa.String(length=32)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_candidates")),
        sa.ForeignKeyConstraint(
            ["analysis_id", "position"],
            ["analysis_recordings.analysis_id", "analysis_recordings.position"],
            name=op.f("fk_review_candidates_analysis_id_position_analysis_recordings"),
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("candidate_id", sa.Integer()),
        sa.Column("analysis_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("start", sa.Double(), nullable=False),
        sa.Column("end", sa.Double(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("species", sa.String()),
        sa.Column("common_name", sa.String(), nullable=False),
        sa.Column("heard", Json),
        sa.Column("model", Json, nullable=False),
        sa.Column("recordist", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("reviewed_by", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32)),
        sa.Column("offset", sa.Double(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_reviews_job_id_jobs")),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recordings.id"],
            name=op.f("fk_reviews_recording_id_recordings"),
            ondelete="SET NULL",
        ),
        sa.CheckConstraint(VERDICTS, name="verdict"),
        sa.CheckConstraint('start >= 0 AND "end" > start', name="order"),
    )
    for name, (of, columns, rows) in INDEXES.items():
        where = sa.text(rows) if rows else None
        op.create_index(op.f(name), of, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """All reviews are lost; what they marked in the library stays marked, as if a file had said so."""
    op.drop_table("reviews")
    op.drop_table("review_candidates")
    with op.batch_alter_table("recordings") as table:
        table.drop_index(op.f("ix_recordings_excerpt_of"))
        table.drop_column("excerpt_of")
