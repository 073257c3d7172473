"""`chiffchaff storage` against a running server: what a person sees, and the exit status."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.ingest.api import API
from services.ingest.tasks import WORKER
from services.standalone.cli import app
from shared.db.engine import sync_engine, sync_sessions
from shared.db.tables import Recording
from shared.prepared import prepared_key_of
from shared.settings import Settings
from shared.storage import Storage, storage_from
from shared.worker import Runtime
from tests.support.serving import furnished, serving


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return furnished(Settings(data_dir=tmp_path))


@pytest.fixture
def storage(settings: Settings) -> Storage:
    return storage_from(settings)


@pytest.fixture
def url(settings: Settings) -> Iterator[str]:
    """A server, and somebody who does its jobs."""
    ended = threading.Event()
    runtime = Runtime(settings)

    def work() -> None:
        while not ended.wait(0.05):
            runtime.answer(WORKER)

    worker = threading.Thread(target=work)
    with serving(settings, API) as address:
        worker.start()
        yield address
        ended.set()
        worker.join()
    runtime.engine.dispose()


@pytest.fixture
def recording(settings: Settings, storage: Storage) -> Recording:
    stored = storage.add_content("originals", io.BytesIO(b"song"), ".mp3")
    engine = sync_engine(settings)
    with sync_sessions(engine).begin() as session:
        row = Recording(
            sha256=stored.sha256,
            original_key=stored.key,
            original_name="song.mp3",
            size=4,
            source="folder",
            prepared_key=prepared_key_of(stored.sha256),
        )
        session.add(row)
    engine.dispose()
    storage.copy_in(str(row.prepared_key), storage.existing(stored.key))
    return row


def test_a_whole_storage_is_well_and_a_missing_file_is_shown_with_what_to_do(
    url: str, recording: Recording, storage: Storage
) -> None:
    well = CliRunner().invoke(app, ["storage", "verify", "--server", url])
    assert well.exit_code == 0, well.output
    assert "1 file looked at" in well.output
    assert "Nothing is missing, nothing is corrupt." in well.output
    storage.delete(recording.original_key)
    ill = CliRunner().invoke(app, ["storage", "verify", "--server", url], env={"COLUMNS": "200"})
    assert ill.exit_code == 1
    assert "missing" in ill.output
    assert recording.original_key in ill.output
    assert "recording: Bring the recording in again" in ill.output


def test_pruning_says_what_went(url: str, recording: Recording, storage: Storage) -> None:
    done = CliRunner().invoke(app, ["storage", "prune", "--max-gb", "0", "--server", url])
    assert done.exit_code == 0, done.output
    assert "1 prepared file removed, 4 bytes freed" in done.output
    assert not storage.exists(str(recording.prepared_key))
    assert storage.exists(recording.original_key)
