"""The schema, on SQLite and on PostgreSQL alike."""

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from shared.db.engine import sync_engine
from shared.db.migrate import alembic_config, current_revision, head_revision, migrate, schema_change
from shared.db.tables import Base
from shared.settings import Settings


@pytest.fixture
def engine(database_settings: Settings) -> Iterator[Engine]:
    made = sync_engine(database_settings)
    migrate(made)
    yield made
    made.dispose()


def test_the_migrations_lead_to_the_tables_of_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        assert current_revision(connection) == head_revision()
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        assert current_revision(connection) == head_revision()


def test_the_newest_migration_goes_down_and_up_again(engine: Engine) -> None:
    with schema_change(engine) as connection:
        command.downgrade(alembic_config(connection), "-1")
    migrate(engine)
    assert set(inspect(engine).get_table_names()) >= set(Base.metadata.tables)


def test_the_database_refuses_a_state_that_is_none(engine: Engine) -> None:
    insert = (
        "INSERT INTO jobs (id, kind, queue, state, payload, fence, attempts, max_attempts, not_before, "
        "cancel_requested, progress_done, progress_message, created_at, updated_at) "
        "VALUES ('a', 'x.y', 'x', 'lost', '{}', 0, 0, 1, CURRENT_TIMESTAMP, false, 0, '', "
        "CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
    )
    with engine.connect() as connection, pytest.raises(IntegrityError, match="ck_jobs_state"):
        connection.execute(text(insert))
