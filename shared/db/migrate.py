"""`python -m shared.db.migrate`: brings the database's schema to the newest version.

Run once before anything else: by the embedded start, by the `migrate` service under Compose. On PostgreSQL an
advisory lock makes a second run at the same time wait.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from shared.db.engine import sync_engine
from shared.errors import ChiffchaffError, Conflict
from shared.log import configure_logging, get_logger
from shared.settings import Settings

logger = get_logger(__name__)

ADVISORY_LOCK = 0x_C41F_FC4A
CHECK_KEYS = text("PRAGMA foreign_key_check")


def alembic_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head_revision() -> str | None:
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def _revisions() -> set[str]:
    return {one.revision for one in ScriptDirectory.from_config(alembic_config()).walk_revisions()}


def current_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine) -> None:
    """Upgrades to head, all of it or nothing; does nothing where the schema is there already.

    Raises:
        Conflict: when a newer version has written the database.
    """
    with schema_change(engine) as connection:
        before = current_revision(connection)
        if before == head_revision():
            return
        if before is not None and before not in _revisions():
            raise Conflict(
                f"A newer Chiffchaff has written this database: its schema is {before}, not {head_revision()}.",
                hint="Update Chiffchaff, or go back to a backup of the database and the storage.",
            )
        command.upgrade(alembic_config(connection), "head")
        logger.info("database migrated", from_revision=before, to_revision=head_revision())


@contextmanager
def schema_change(engine: Engine) -> Iterator[Connection]:
    """A transaction that may change the schema; nobody else changes it at the same time.

    SQLite changes a table by making it anew. With foreign keys on, dropping the old one would delete, in cascade, all
    that refers to it; so they are off meanwhile, and checked before the commit.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.connection.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                if engine.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
                yield connection
                if engine.dialect.name == "sqlite" and (broken := connection.execute(CHECK_KEYS).all()):
                    raise RuntimeError(f"the migration would leave rows that refer to nothing: {broken[:5]}")
        finally:
            if engine.dialect.name == "sqlite":
                connection.connection.execute("PRAGMA foreign_keys=ON")


def main() -> None:
    settings = Settings()
    configure_logging(settings)
    engine = sync_engine(settings)
    try:
        migrate(engine)
    except ChiffchaffError as error:
        sys.exit(str(error))
    engine.dispose()


if __name__ == "__main__":
    main()
