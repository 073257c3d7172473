"""The schema, on SQLite and on PostgreSQL alike."""

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.exc import IntegrityError

from shared.db.engine import sync_engine, sync_sessions
from shared.db.migrate import alembic_config, current_revision, head_revision, migrate, schema_change
from shared.db.tables import Base, Ingestion, IngestionItem, Job, Recording, Section, Slice, Species
from shared.errors import Conflict
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


ROWS_OF_THE_FIRST_SCHEMA = (
    "INSERT INTO species VALUES ('Turdus merula', 'Common Blackbird', 'Amsel'), ('Avis ignota', '', '')",
    "INSERT INTO jobs (id, kind, state, payload, fence, attempts, max_attempts, not_before, cancel_requested, "
    "progress_done, progress_message, created_at, updated_at) VALUES ('j', 'preprocess.prepare', 'queued', '{}', 1, 1, "
    "4, CURRENT_TIMESTAMP, false, 2, '', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
    "INSERT INTO job_events (job_id, at, kind, data) VALUES ('j', CURRENT_TIMESTAMP, 'queued', '{}')",
    "INSERT INTO outbox (job_id, publish_at, rings) VALUES ('j', CURRENT_TIMESTAMP, 3)",
    "INSERT INTO recordings (id, sha256, original_key, original_name, size, label, secondary, source, source_url, "
    "recordist, licence, country, locality, details, warnings, created_at, prepared_at) VALUES ('r', 'ab', 'o', 'n', "
    "1, 'Turdus merula', '[]', 'folder', '', 'A. Birder', 'CC0', '', '', '{}', '[]', CURRENT_TIMESTAMP, "
    "CURRENT_TIMESTAMP)",
    "INSERT INTO sections (recording_id, kind, start, \"end\") VALUES ('r', 'signal', 0, 22050), "
    "('r', 'signal', 44100, 55125), ('r', 'noise', 22050, 44100)",
    "INSERT INTO slices (recording_id, kind, start, length, signal_fraction) VALUES ('r', 'signal', 0, 110250, 0.3)",
)


def rows(engine: Engine, query: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_what_an_older_version_wrote_survives_the_upgrade_and_the_way_back(database_settings: Settings) -> None:
    engine = sync_engine(database_settings)
    with schema_change(engine) as connection:
        command.upgrade(alembic_config(connection), "0001")
        for statement in ROWS_OF_THE_FIRST_SCHEMA:
            connection.execute(text(statement))
    migrate(engine)
    assert rows(engine, "SELECT queue, priority, progress_furthest FROM jobs") == [("preprocess", 5, 2.0)]
    assert rows(engine, "SELECT job_id, queue FROM outbox") == [("j", "preprocess")]
    assert rows(engine, "SELECT label, recordist, signal_seconds, quality FROM recordings") == [
        ("Turdus merula", "A. Birder", 1.5, None)
    ]
    with sync_sessions(engine)() as session:
        names = {one.scientific_name: one.names for one in session.scalars(select(Species))}
    assert names == {"Turdus merula": {"de": "Amsel"}, "Avis ignota": {}}
    kept = "SELECT (SELECT count(*) FROM job_events), (SELECT count(*) FROM sections), (SELECT count(*) FROM slices)"
    assert rows(engine, kept) == [(1, 3, 1)]
    with schema_change(engine) as connection:
        command.downgrade(alembic_config(connection), "0001")
    assert rows(engine, kept) == [(1, 3, 1)]
    assert rows(engine, "SELECT german_name FROM species ORDER BY scientific_name") == [("",), ("Amsel",)]
    engine.dispose()


def test_a_migration_that_breaks_off_leaves_the_database_as_it_was(database_settings: Settings) -> None:
    engine = sync_engine(database_settings)
    with schema_change(engine) as connection:
        command.upgrade(alembic_config(connection), "0001")
        for statement in ROWS_OF_THE_FIRST_SCHEMA:
            connection.execute(text(statement))

    def break_off() -> None:
        with schema_change(engine) as connection:
            command.upgrade(alembic_config(connection), "head")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    with engine.connect() as connection:
        assert current_revision(connection) == "0001"
    assert rows(engine, "SELECT german_name FROM species ORDER BY scientific_name") == [("",), ("Amsel",)]
    migrate(engine)
    engine.dispose()


def test_a_database_of_a_newer_version_is_left_alone_with_a_sentence(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict, match="A newer Chiffchaff has written this database: its schema is 9999"):
        migrate(engine)
    assert rows(engine, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_going_back_loses_only_what_the_older_schema_cannot_say(engine: Engine) -> None:
    with sync_sessions(engine).begin() as session:
        session.add_all([Job(id="j", kind="ingest.run", queue="ingest", payload={}, max_attempts=1)])
        recording = Recording(id="r", sha256="ab", original_key="o", original_name="n", size=1, source="folder")
        session.add_all([recording, Ingestion(id="i", job_id="j", source="folder", parameters={})])
        session.flush()
        for label in ("", "Pica pica"):
            session.add(Section(recording_id="r", kind="signal", label=label, start=0, end=5))
            session.add(Slice(recording_id="r", kind="signal", label=label, start=0, length=5, signal_fraction=1.0))
        for outcome in ("waiting", "skipped", "refused"):
            session.add(IngestionItem(ingestion_id="i", path=outcome, outcome=outcome))
    with schema_change(engine) as connection:
        command.downgrade(alembic_config(connection), "0002")
    assert rows(engine, "SELECT outcome FROM ingestion_items") == [("refused",)]
    counts = "SELECT (SELECT count(*) FROM recordings), (SELECT count(*) FROM sections), (SELECT count(*) FROM slices)"
    assert rows(engine, counts) == [(1, 1, 1)]
    migrate(engine)
    assert rows(engine, counts) == [(1, 1, 1)]
