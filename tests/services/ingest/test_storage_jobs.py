"""Verifying and pruning the storage, as jobs, over a database and a storage of each kind."""

import io
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from services.ingest import verification
from services.ingest.tasks import WORKER
from shared import jobs
from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.db.tables import Analysis, AnalysisRecording, Dataset, Job, Model, Recording
from shared.prepared import prepared_key_of
from shared.settings import Settings
from shared.storage import FileStorage, Storage, storage_from
from shared.worker import Runtime

VERIFY, PRUNE = "ingest.verify_storage", "ingest.prune_storage"
Run = Callable[..., Any]


@pytest.fixture(params=["directory", "s3"])
def settings(request: pytest.FixtureRequest, database_settings: Settings) -> Settings:
    if request.param == "s3":
        place = request.getfixturevalue("s3_settings").model_dump()
        keys = {name: value for name, value in place.items() if name.startswith(("s3_", "storage_"))}
        return Settings.model_validate({**database_settings.model_dump(), **keys})
    database_settings.storage_dir.mkdir()
    return database_settings


@pytest.fixture
def storage(settings: Settings) -> Storage:
    return storage_from(settings)


@pytest.fixture
def runtime(settings: Settings, sessions: SyncSessions) -> Iterator[Runtime]:
    made = Runtime(settings)
    yield made
    made.engine.dispose()


@pytest.fixture
def run(runtime: Runtime, sessions: SyncSessions) -> Run:
    def run_once(kind: str, **payload: object) -> Any:
        with sessions.begin() as session:
            job_id = jobs.submit(session, kind, payload, max_attempts=1).id
        runtime.answer(WORKER)
        with sessions() as session:
            job = session.get_one(Job, job_id)
            assert job.state == "succeeded", job.error
            return job.result

    return run_once


def add_recording(sessions: SyncSessions, storage: Storage, content: bytes, *, prepared: bool = True) -> Recording:
    stored = storage.add_content("originals", io.BytesIO(content), ".mp3")
    with sessions.begin() as session:
        row = Recording(
            sha256=stored.sha256,
            original_key=stored.key,
            original_name="song.mp3",
            size=stored.size,
            source="folder",
        )
        if prepared:
            row.prepared_key = prepared_key_of(stored.sha256)
            write(storage, row.prepared_key, bytes(100))
        session.add(row)
    return row


def add_upload(sessions: SyncSessions, storage: Storage) -> None:
    """A file that was sent to be analysed; some model has to be there."""
    stored = storage.add_content("analyses", io.BytesIO(b"an upload"), ".a")
    with sessions.begin() as session:
        job = jobs.submit(session, "inference.analyse", {}, max_attempts=1)
        model = session.scalars(select(Model).limit(1)).one()
        session.add(Analysis(id="a", job_id=job.id, model_id=model.id, source={}, about={}, made_by=""))
        session.flush()
        row = AnalysisRecording(analysis_id="a", position=0, file="a.wav", size=stored.size, storage_key=stored.key)
        session.add(row)


def add_learned(sessions: SyncSessions, storage: Storage) -> None:
    model = storage.add_content("models", io.BytesIO(b"a model"), ".pt")
    dataset = storage.add_content("datasets", io.BytesIO(b"{}"), ".json")
    write(storage, "models/garden/1/card.md", b"# garden")
    with sessions.begin() as session:
        session.add(
            Model(
                name="garden",
                version=1,
                sha256=model.sha256,
                file_key=model.key,
                manifest={},
                files={"card": "models/garden/1/card.md"},
            )
        )
        session.add(Dataset(name="spring", sha256=dataset.sha256, file_key=dataset.key, parameters={}, summary={}))


def write(storage: Storage, key: str, content: bytes) -> None:
    with storage.writing(key) as part:
        part.write_bytes(content)


def grow_old(storage: Storage, key: str, days: float) -> None:
    assert isinstance(storage, FileStorage)
    moment = time.time() - days * 86_400
    os.utime(storage.path(key), (moment, moment))


def test_nothing_is_wrong_with_what_was_just_stored(run: Run, sessions: SyncSessions, storage: Storage) -> None:
    for n in range(3):
        add_recording(sessions, storage, b"song %d" % n)
    add_learned(sessions, storage)
    found = run(VERIFY)
    assert (found["files"], found["missing"], found["corrupt"], found["pruned"]) == (6, 0, 0, 0)
    assert found["bytes"] == 3 * 6 + len(b"a model") + len(b"# garden") + len(b"{}")
    assert found["problems"] == []


def test_what_is_missing_and_what_is_corrupt_is_named(run: Run, sessions: SyncSessions, storage: Storage) -> None:
    whole, gone, rotten = (add_recording(sessions, storage, content) for content in (b"a", b"bb", b"ccc"))
    add_learned(sessions, storage)
    storage.delete(gone.original_key)
    write(storage, rotten.original_key, b"cxc")
    storage.delete("models/garden/1/card.md")
    storage.delete(str(whole.prepared_key))
    found = run(VERIFY)
    assert (found["missing"], found["corrupt"], found["pruned"]) == (2, 1, 1)
    assert {(one["problem"], one["what"], one["key"]) for one in found["problems"]} == {
        ("missing", f"recording {gone.id} (song.mp3)", gone.original_key),
        ("corrupt", f"recording {rotten.id} (song.mp3)", rotten.original_key),
        ("missing", "model garden 1, card", "models/garden/1/card.md"),
    }


def test_files_that_no_row_names_are_counted_but_not_those_just_written(
    run: Run, sessions: SyncSessions, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_recording(sessions, storage, b"song")
    add_learned(sessions, storage)
    add_upload(sessions, storage)
    write(storage, "originals/00/stray.mp3", b"stray")
    assert run(VERIFY)["unknown"] == 0, "its row may be about to come"
    monkeypatch.setattr(verification, "YOUNG_SECONDS", -60.0)
    found = run(VERIFY)
    assert (found["unknown"], found["unknown_keys"]) == (1, ["originals/00/stray.mp3"])
    assert found["missing"] == 0


def test_a_verification_lets_other_work_go_first_and_goes_on_where_it_was(
    runtime: Runtime, sessions: SyncSessions, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(verification, "AT_ONCE", 2)
    rows = sorted((add_recording(sessions, storage, b"song %d" % n) for n in range(5)), key=lambda row: row.id)
    storage.delete(rows[0].original_key)
    with sessions.begin() as session:
        job_id = jobs.submit(session, VERIFY, {}, max_attempts=1).id
        other = jobs.submit(session, "ingest.run", {}, max_attempts=1, priority=jobs.Priority.BULK).id
    runtime.answer(WORKER)
    with sessions.begin() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.progress_message) == ("queued", "Lets other work go first.")
        job.not_before = now()
        jobs.cancel(session, other)
    storage.delete(rows[1].original_key)
    storage.delete(rows[4].original_key)
    runtime.answer(WORKER)
    with sessions() as session:
        result = session.get_one(Job, job_id).result
    assert result is not None
    assert result["files"] == 5
    missing = [one["key"] for one in result["problems"]]
    assert missing == [rows[0].original_key, rows[4].original_key], "the second was there when it was looked at"


@pytest.mark.parametrize("settings", ["directory"], indirect=True)  # S3 dates its objects itself
def test_the_least_recently_used_prepared_audio_goes_first_and_nothing_else(
    run: Run, sessions: SyncSessions, storage: Storage
) -> None:
    rows = [add_recording(sessions, storage, b"song %d" % n) for n in range(4)]
    add_learned(sessions, storage)
    for row, days in zip(rows, (5, 30, 2, 10), strict=True):
        grow_old(storage, str(row.prepared_key), days)
    storage.existing(str(rows[1].prepared_key))
    assert run(PRUNE, max_bytes=250) == {"removed": 2, "freed_bytes": 200, "kept_bytes": 200}
    kept = [storage.exists(str(row.prepared_key)) for row in rows]
    assert kept == [False, True, True, False], "the second was used just now"
    assert all(storage.exists(row.original_key) for row in rows)
    assert run(VERIFY)["missing"] == 0


def test_what_is_being_prepared_stays(run: Run, sessions: SyncSessions, storage: Storage) -> None:
    done, half = (add_recording(sessions, storage, content, prepared=content == b"a") for content in (b"a", b"bb"))
    write(storage, prepared_key_of(half.sha256), bytes(100))
    assert run(PRUNE, max_bytes=0) == {"removed": 1, "freed_bytes": 100, "kept_bytes": 100}
    assert not storage.exists(str(done.prepared_key))
    assert storage.exists(prepared_key_of(half.sha256))
    assert storage.exists(done.original_key)


def test_below_the_limit_nothing_goes(run: Run, sessions: SyncSessions, storage: Storage) -> None:
    assert run(PRUNE, max_bytes=0) == {"removed": 0, "freed_bytes": 0, "kept_bytes": 0}
    row = add_recording(sessions, storage, b"song")
    assert run(PRUNE, max_bytes=100) == {"removed": 0, "freed_bytes": 0, "kept_bytes": 100}
    assert storage.exists(str(row.prepared_key))
