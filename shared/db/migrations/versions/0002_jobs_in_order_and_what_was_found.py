"""Jobs in order of urgency, and what was found in a recording

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from shared.db.base import Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

QUEUED = sa.text("state = 'queued'")
RUNNING = sa.text("state = 'running'")
ZERO = sa.text("0")


def upgrade() -> None:
    _order_jobs()
    _describe_recordings()
    _name_species_in_any_language()
    op.create_index("ix_ingestion_items_outcome", "ingestion_items", ["ingestion_id", "outcome"])


def _order_jobs() -> None:
    with op.batch_alter_table("jobs") as table:
        table.add_column(sa.Column("queue", sa.String()))
        table.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default=sa.text("5")))
        table.add_column(sa.Column("progress_at_start", sa.Double(), nullable=False, server_default=ZERO))
        table.add_column(sa.Column("progress_furthest", sa.Double(), nullable=False, server_default=ZERO))
        table.drop_index("ix_jobs_state_due")
    queue = "split_part(kind, '.', 1)" if _postgresql() else "substr(kind, 1, instr(kind, '.') - 1)"
    op.execute(f"UPDATE jobs SET queue = {queue}, progress_furthest = progress_done")  # noqa: S608 (no input)
    with op.batch_alter_table("jobs") as table:
        table.alter_column("queue", existing_type=sa.String(), nullable=False)
    op.create_index("ix_jobs_state_created", "jobs", ["state", "created_at", "id"])
    op.create_index("ix_jobs_kind_created", "jobs", ["kind", "created_at", "id"])
    due = ["queue", "priority", "not_before"]
    op.create_index("ix_jobs_due", "jobs", due, sqlite_where=QUEUED, postgresql_where=QUEUED)
    op.create_index("ix_jobs_leases", "jobs", ["lease_expires_at"], sqlite_where=RUNNING, postgresql_where=RUNNING)

    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("queue", sa.String()))
        table.drop_column("rings")
        table.drop_index("ix_outbox_due")
    op.execute("UPDATE outbox SET queue = (SELECT jobs.queue FROM jobs WHERE jobs.id = outbox.job_id)")
    with op.batch_alter_table("outbox") as table:
        table.alter_column("queue", existing_type=sa.String(), nullable=False)
        table.create_index("ix_outbox_due", ["queue", "publish_at", "id"])


def _describe_recordings() -> None:
    with op.batch_alter_table("recordings") as table:
        table.add_column(sa.Column("recorded_time", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("quality", sa.String()))
        table.add_column(sa.Column("segmentation", sa.String()))
        table.add_column(sa.Column("signal_seconds", sa.Double()))
        table.create_check_constraint("quality", "quality IN ('A', 'B', 'C', 'D', 'E')")
        table.drop_index("ix_recordings_label")
        table.create_index("ix_recordings_label_created", ["label", "created_at", "id"])
    op.execute(
        'UPDATE recordings SET signal_seconds = (SELECT coalesce(sum(sections."end" - sections.start), 0) / 22050.0 '
        "FROM sections WHERE sections.recording_id = recordings.id AND sections.kind = 'signal') "
        "WHERE prepared_at IS NOT NULL"
    )


def _name_species_in_any_language() -> None:
    with op.batch_alter_table("species") as table:
        table.add_column(sa.Column("names", Json, nullable=False, server_default="{}"))
    names = "jsonb_build_object('de', german_name)" if _postgresql() else "json_object('de', german_name)"
    op.execute(f"UPDATE species SET names = {names} WHERE german_name <> ''")  # noqa: S608 (no input)
    with op.batch_alter_table("species") as table:
        table.drop_column("german_name")


def downgrade() -> None:
    op.drop_index("ix_ingestion_items_outcome", "ingestion_items")
    with op.batch_alter_table("species") as table:
        table.add_column(sa.Column("german_name", sa.String(), nullable=False, server_default=""))
    german = "names ->> 'de'" if _postgresql() else "json_extract(names, '$.de')"
    op.execute(f"UPDATE species SET german_name = coalesce({german}, '')")  # noqa: S608 (no input)
    with op.batch_alter_table("species") as table:
        table.drop_column("names")
    with op.batch_alter_table("recordings") as table:
        table.drop_index("ix_recordings_label_created")
        table.drop_constraint(op.f("ck_recordings_quality"), type_="check")
        described = "signal_seconds", "segmentation", "quality", "recorded_time"
        for column in described:
            table.drop_column(column)
        table.create_index("ix_recordings_label", ["label"])
    with op.batch_alter_table("outbox") as table:
        table.drop_index("ix_outbox_due")
        table.drop_column("queue")
        table.add_column(sa.Column("rings", sa.Integer(), nullable=False, server_default=ZERO))
        table.create_index("ix_outbox_due", ["publish_at", "id"])
    for index in ("ix_jobs_leases", "ix_jobs_due", "ix_jobs_kind_created", "ix_jobs_state_created"):
        op.drop_index(index, "jobs")
    with op.batch_alter_table("jobs") as table:
        for column in ("progress_furthest", "progress_at_start", "priority", "queue"):
            table.drop_column(column)
        table.create_index("ix_jobs_state_due", ["state", "not_before"])


def _postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
