"""Sections that a person marked, recordings searched and taken out, and files of a source that wait to be fetched

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from shared.db.base import Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OUTCOMES = "outcome IN ('accepted', 'known', 'refused')"
MORE_OUTCOMES = "outcome IN ('waiting', 'accepted', 'known', 'refused', 'skipped')"
INDEXES: dict[str, tuple[list[str], str | None]] = {
    "ix_recordings_licence": (["licence"], None),
    "ix_recordings_country_created": (["country", "created_at", "id"], None),
    "ix_recordings_recordist": (["recordist"], None),
    "ix_recordings_place": (["latitude", "longitude"], None),
    "ix_recordings_recorded_on": (["recorded_on"], None),
    "ix_recordings_unprepared": (["created_at", "id"], "prepared_at IS NULL"),
    "ix_recordings_deleted": (["created_at", "id"], "deleted_at IS NOT NULL"),
    "ix_recordings_statistics": (
        ["label", "recordist", "quality", "seconds", "signal_seconds", "deleted_at"],
        "deleted_at IS NULL",
    ),
}
"""By which recordings are searched and counted: the columns, and of which rows."""


def upgrade() -> None:
    with op.batch_alter_table("recordings") as table:
        table.add_column(sa.Column("annotations", Json, nullable=False, server_default="[]"))
        table.add_column(sa.Column("prepared_sha256", sa.String()))
        table.add_column(sa.Column("deleted_at", UtcDateTime()))
        table.create_index(op.f("ix_recordings_prepared_sha256"), ["prepared_sha256"])
    for name, (columns, rows) in INDEXES.items():
        where = sa.text(rows) if rows else None
        op.create_index(op.f(name), "recordings", columns, sqlite_where=where, postgresql_where=where)
    for name in ("sections", "slices"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("label", sa.String(), nullable=False, server_default=""))
            table.drop_constraint(op.f(f"uq_{name}_recording_id_kind_start"), type_="unique")
            table.create_unique_constraint(
                op.f(f"uq_{name}_recording_id_start_kind_label"), ["recording_id", "start", "kind", "label"]
            )
    with op.batch_alter_table("ingestions") as table:
        table.add_column(sa.Column("warnings", Json, nullable=False, server_default="[]"))
    with op.batch_alter_table("ingestion_items") as table:
        table.add_column(sa.Column("details", Json))
        table.drop_constraint(op.f("ck_ingestion_items_outcome"), type_="check")
        table.create_check_constraint("outcome", MORE_OUTCOMES)
        table.create_index(op.f("ix_ingestion_items_recording_id"), ["recording_id"])
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])
    op.drop_index("ix_ingestion_items_outcome", "ingestion_items")
    op.create_index("ix_ingestion_items_outcome", "ingestion_items", ["ingestion_id", "outcome", "path"])
    noted = sa.text("error_code IS NOT NULL")
    op.create_index(
        "ix_ingestion_items_noted",
        "ingestion_items",
        ["ingestion_id", "id"],
        sqlite_where=noted,
        postgresql_where=noted,
    )
    op.drop_index(op.f("ix_jobs_parent_id"), "jobs")
    op.create_index("ix_jobs_parent", "jobs", ["parent_id", "kind", "state"])
    op.create_table(
        "throttles",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_throttles")),
    )


def downgrade() -> None:
    """What the older schema cannot say is lost: files that wait, and marked sections of further species."""
    op.drop_index("ix_jobs_parent", "jobs")
    op.create_index(op.f("ix_jobs_parent_id"), "jobs", ["parent_id"])
    op.drop_index("ix_ingestion_items_noted", "ingestion_items")
    op.drop_index("ix_ingestion_items_outcome", "ingestion_items")
    op.create_index("ix_ingestion_items_outcome", "ingestion_items", ["ingestion_id", "outcome"])
    op.drop_table("throttles")
    op.drop_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys")
    op.execute("DELETE FROM ingestion_items WHERE outcome IN ('waiting', 'skipped')")
    with op.batch_alter_table("ingestion_items") as table:
        table.drop_index(op.f("ix_ingestion_items_recording_id"))
        table.drop_constraint(op.f("ck_ingestion_items_outcome"), type_="check")
        table.create_check_constraint("outcome", OUTCOMES)
        table.drop_column("details")
    with op.batch_alter_table("ingestions") as table:
        table.drop_column("warnings")
    for name in ("sections", "slices"):
        op.execute(f"DELETE FROM {name} WHERE label <> ''")  # noqa: S608 (no input)
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"uq_{name}_recording_id_start_kind_label"), type_="unique")
            table.drop_column("label")
            table.create_unique_constraint(
                op.f(f"uq_{name}_recording_id_kind_start"), ["recording_id", "kind", "start"]
            )
    for index in INDEXES:
        op.drop_index(op.f(index), "recordings")
    with op.batch_alter_table("recordings") as table:
        table.drop_index(op.f("ix_recordings_prepared_sha256"))
        for column in ("deleted_at", "prepared_sha256", "annotations"):
            table.drop_column(column)
