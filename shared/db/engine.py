"""Engines and sessions: asynchronous for the APIs, synchronous for the workers, over the same tables.

A worker makes its engine after the fork, never before: a pooled connection must not cross a fork or an event loop.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from shared.settings import Settings

SyncSessions = sessionmaker[Session]
AsyncSessions = async_sessionmaker[AsyncSession]

SYNC_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
BUSY_SECONDS = 30


def _url(settings: Settings, drivers: dict[str, str]) -> URL:
    url = make_url(settings.resolved_database_url)
    backend = url.get_backend_name()
    if backend not in drivers:
        raise ValueError(f"CHIFFCHAFF_DATABASE_URL must be a postgresql or sqlite URL, not {backend}")
    return url.set(drivername=drivers[backend])


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Takes SQLite's write lock at the start of a writing transaction.

    One that began as a reader and writes later would fail at once instead of waiting for its turn.
    """
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _options(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS, "isolation_level": None}}
    return {"pool_pre_ping": True, "pool_timeout": 10}


def _attach_sqlite_events(engine: Engine) -> None:
    if engine.url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)


def sync_engine(settings: Settings) -> Engine:
    url = _url(settings, SYNC_DRIVERS)
    engine = create_engine(url, **_options(url))
    _attach_sqlite_events(engine)
    return engine


def async_engine(settings: Settings) -> AsyncEngine:
    url = _url(settings, ASYNC_DRIVERS)
    engine = create_async_engine(url, **_options(url))
    _attach_sqlite_events(engine.sync_engine)
    return engine


def sync_sessions(engine: Engine) -> SyncSessions:
    return sessionmaker(engine, expire_on_commit=False)


def async_sessions(engine: AsyncEngine) -> AsyncSessions:
    return async_sessionmaker(engine, expire_on_commit=False)


def reading_sessions(engine: AsyncEngine) -> AsyncSessions:
    """Sessions that only read: on SQLite they never wait for a writer, on PostgreSQL a write is refused."""
    return async_sessionmaker(
        engine.execution_options(reads_only=True, **_read_only(engine.url)), expire_on_commit=False
    )


def _read_only(url: URL) -> dict[str, Any]:
    return {"postgresql_readonly": True} if url.get_backend_name() == "postgresql" else {}


@contextmanager
def snapshot(settings: Settings) -> Iterator[Session]:
    """A session, for any thread, that only reads and sees one moment of the database, however long it takes."""
    engine = sync_engine(settings)
    if engine.url.get_backend_name() == "postgresql":
        options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    else:
        options = {"reads_only": True}
    try:
        with Session(engine.execution_options(**options)) as session:
            yield session
    finally:
        engine.dispose()
