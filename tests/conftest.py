"""Fixtures that every test may use: real servers, private to the run, and a database of each kind."""

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from shared.db.engine import SyncSessions, sync_engine, sync_sessions
from shared.db.migrate import migrate
from shared.settings import Settings
from tests.support.servers import ObjectStore, Postgres, Redis

SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for the whole run; a test that kills one makes its own."""
    # Not below pytest's own folder: the server runs as another user, who may not enter it.
    with tempfile.TemporaryDirectory(prefix="chiffchaff-postgres-") as folder:
        server = Postgres(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    server = ObjectStore()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def s3_settings(object_store: ObjectStore, tmp_path: Path) -> Settings:
    """Settings over an empty place in a bucket."""
    return Settings.model_validate(
        {
            "data_dir": tmp_path,
            "storage_url": f"s3://{object_store.bucket}/{uuid.uuid4().hex}",
            "s3_endpoint_url": object_store.url,
            "s3_region": "us-east-1",
            "s3_access_key": "anybody",
            "s3_secret_key": "a-secret-of-anybody",
        }
    )


def new_database(postgres: Postgres) -> str:
    """The URL of a fresh, empty database."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(postgres.url().replace("postgresql", "postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return postgres.url(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings over an empty database of each kind: what passes on one must pass on the other."""
    if request.param == "sqlite":
        return Settings(data_dir=tmp_path)
    url = new_database(request.getfixturevalue("postgres"))
    return Settings.model_validate({"data_dir": tmp_path, "database_url": url})


@pytest.fixture
def sessions(database_settings: Settings) -> Iterator[SyncSessions]:
    """Sessions over a migrated database of each kind."""
    engine = sync_engine(database_settings)
    migrate(engine)
    yield sync_sessions(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real labelled recordings, where the machine has it."""
    if not (SHARED_DATA / "manifest.csv").is_file():
        pytest.skip("the real recordings are not on this machine")
    return SHARED_DATA
