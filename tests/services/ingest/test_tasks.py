"""Whole ingestions of folders as people have them, on SQLite and on PostgreSQL alike."""

import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile

from services.ingest.opening import ChangedFile, SteadyFile
from services.ingest.tasks import WORKER
from shared.db.engine import SyncSessions
from shared.db.tables import Recording
from shared.settings import Settings
from shared.walk import Version
from shared.worker import Runtime
from tests.support.sounds import RATE, SPECIES, chirps

Run = Callable[[], None]


@pytest.fixture
def run(database_settings: Settings, sessions: SyncSessions) -> Iterator[Run]:
    """Runs the job that waits in the queue of the ingest worker."""
    runtime = Runtime(database_settings)
    yield lambda: runtime.answer(WORKER)
    runtime.engine.dispose()


@pytest.fixture
async def ingested(api: httpx.AsyncClient, run: Run) -> Any:
    """Ingests a source; gives the ingestion as the API shows it then."""

    async def ingest(path: Path) -> Any:
        source = {"source": "manifest" if path.suffix == ".csv" else "folder", "path": str(path)}
        answer = await api.post("/ingestions", json=source)
        assert answer.status_code == 202, answer.text
        run()
        return (await api.get(answer.headers["location"])).json()

    return ingest


def sing(path: Path, species: str = SPECIES[0], seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        soundfile.write(file, chirps(species, 1.0, seed), RATE, format="WAV", subtype="PCM_16")


@pytest.fixture
def dirty(tmp_path: Path) -> Path:
    """What lies about in folders: four recordings, and everything else."""
    root = tmp_path / "dirty"
    sing(root / "turdus_merula" / "2024" / "may" / "one.WAV", seed=1)
    sing(root / "Amsel" / "two.wav", seed=2)
    sing(root / "Turdus merulla" / "three", seed=3)
    sing(root / "loose.wav", seed=4)
    sing(root / "Pica pica" / "half.wav.part", seed=5)
    sing(root / "Pica pica" / ".hidden.wav", seed=6)
    (root / "Parus major").mkdir()
    mess = root / "Pica pica"
    (mess / "empty.wav").touch()
    (mess / "text.wav").write_text("this is no sound")
    (mess / "gone.wav").symlink_to(tmp_path / "nowhere")
    (mess / "notes.txt").write_text("dear diary")
    (mess / "empty.csv").touch()
    (mess / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    (mess / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(600))
    with zipfile.ZipFile(mess / "archive.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    os.mkfifo(mess / "pipe.wav")
    (mess / "loop").symlink_to(root)
    return root


async def test_a_dirty_folder_gives_its_recordings_and_says_what_else_it_holds(
    dirty: Path, ingested: Any, api: httpx.AsyncClient
) -> None:
    ingestion = await ingested(dirty)
    assert ingestion["job"]["state"] == "succeeded"
    counts = ingestion["counts"]
    assert (counts["accepted"], counts["refused"], counts["skipped"]) == (4, 3, 8)
    assert [(one["path"], one["code"]) for one in ingestion["problems"]] == [
        ("Pica pica/empty.wav", "empty-audio"),
        ("Pica pica/gone.wav", "unreadable-file"),
        ("Pica pica/text.wav", "not-audio"),
    ]
    skipped = (await api.get(f"/ingestions/{ingestion['id']}/items", params={"outcome": "skipped"})).json()
    reasons = {one["path"].removeprefix("Pica pica/"): one["code"] for one in skipped["items"]}
    assert reasons == {
        "Thumbs.db": "not-a-recording",
        "archive.zip": "not-a-recording",
        "empty.csv": "not-a-recording",
        "half.wav.part": "unfinished-file",
        "loop": "link-not-followed",
        "notes.txt": "not-a-recording",
        "photo.jpg": "not-a-recording",
        "pipe.wav": "not-a-recording",
    }
    assert ingestion["warnings"] == [
        "Amsel, turdus_merula mean one species, Turdus merula.",
        "Parus major holds no recording that can be used.",
        "Pica pica holds no recording that can be used.",
        "Fewer than 10 recordings, which is little to learn from: Turdus merula (2), Turdus merulla (1).",
        "Turdus merulla is in no list of species here. Is it Turdus merula?",
    ]


async def test_the_items_of_an_ingestion_come_in_pages(dirty: Path, ingested: Any, api: httpx.AsyncClient) -> None:
    path = f"/ingestions/{(await ingested(dirty))['id']}/items"
    seen, cursor = [], None
    while True:
        page = (await api.get(path, params={"limit": 4} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [one["path"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 15
    assert (await api.get(path, params={"cursor": "%"})).json()["code"] == "invalid-input"
    assert (await api.get(path, params={"outcome": "lost"})).status_code == 422


async def test_a_folder_without_a_recording_fails_and_says_what_it_holds(tmp_path: Path, ingested: Any) -> None:
    (tmp_path / "birds").mkdir()
    ingestion = await ingested(tmp_path / "birds")
    assert (ingestion["state"], ingestion["job"]["error"]["detail"].split(".")[0]) == (
        "failed",
        "The source holds no recordings",
    )
    (tmp_path / "birds" / "a.txt").write_text("a")
    assert "only 1 other files" in (await ingested(tmp_path / "birds"))["job"]["error"]["detail"]
    (tmp_path / "birds" / "a.wav").write_text("a")
    assert "None of the 1 files could be used. a.wav:" in (await ingested(tmp_path / "birds"))["job"]["error"]["detail"]


async def test_what_was_cancelled_is_not_unusable_and_goes_on_when_the_folder_is_ingested_again(
    tmp_path: Path, ingested: Any, api: httpx.AsyncClient
) -> None:
    for seed in range(2):
        sing(tmp_path / "birds" / f"{seed}.wav", seed=seed)
    first = await ingested(tmp_path / "birds")
    (job, _) = (await api.get("/jobs", params={"kind": "preprocess.prepare"})).json()["items"]
    await api.delete(f"/jobs/{job['id']}")
    counts = (await api.get(f"/ingestions/{first['id']}")).json()["counts"]
    assert (counts["cancelled"], counts["unusable"], counts["prepared"], counts["waiting"]) == (1, 0, 0, 1)
    again = (await ingested(tmp_path / "birds"))["counts"]
    assert (again["known"], again["cancelled"], again["waiting"]) == (2, 0, 2)


async def test_a_manifest_without_a_row_fails_and_says_where_rows_stand(tmp_path: Path, ingested: Any) -> None:
    (tmp_path / "m.csv").write_text("path,label\n")
    error = (await ingested(tmp_path / "m.csv"))["job"]["error"]["detail"]
    assert error.startswith("The manifest lists no recordings. Each line below the first")


async def test_annotations_beside_the_audio_come_with_it(tmp_path: Path, ingested: Any, sessions: SyncSessions) -> None:
    folder = tmp_path / "birds"
    sing(folder / "a.wav")
    (folder / "a.txt").write_text("0.1\t0.2\tAmsel\n0.2\t0.9\tPica pica\n0.9\t1\tnoise\n0.95\t1\t?\n")
    sing(folder / "Turdus merula" / "b.wav", seed=2)
    (folder / "Turdus merula" / "b.Table.1.selections.txt").write_text("no table at all")
    ingestion = await ingested(folder)
    (problem,) = ingestion["problems"]
    assert (problem["path"], problem["code"]) == ("Turdus merula/b.wav", "unreadable-annotations")
    assert "line 1 has no tab" in problem["detail"]
    assert (ingestion["counts"]["accepted"], ingestion["counts"]["skipped"]) == (2, 0)
    with sessions() as session:
        found = {one.original_name: one for one in session.query(Recording)}
    assert (found["a.wav"].label, found["a.wav"].secondary) == ("Pica pica", ["Turdus merula"])
    assert found["a.wav"].annotations == [
        {"start": 0.1, "end": 0.2, "species": "Turdus merula"},
        {"start": 0.2, "end": 0.9, "species": "Pica pica"},
        {"start": 0.9, "end": 1.0, "species": "", "kind": "noise"},
        {"start": 0.95, "end": 1.0, "species": "", "kind": "unknown"},
    ]
    assert found["b.wav"].annotations == []


async def test_annotations_that_come_later_are_taken_and_the_recording_is_prepared_anew(
    tmp_path: Path, ingested: Any, sessions: SyncSessions
) -> None:
    sing(tmp_path / "birds" / "Pica pica" / "a.wav")
    await ingested(tmp_path / "birds")
    (tmp_path / "birds" / "Pica pica" / "a.txt").write_text("0.1\t0.2\tAmsel\n")
    later = await ingested(tmp_path / "birds")
    assert (later["counts"]["known"], later["counts"]["waiting"]) == (1, 1)
    with sessions() as session:
        recording = session.query(Recording).one()
    assert (recording.label, recording.secondary) == ("Pica pica", ["Turdus merula"])
    assert recording.annotations == [{"start": 0.1, "end": 0.2, "species": "Turdus merula"}]


async def test_a_manifest_names_the_annotations_and_each_row_ends_in_its_own_way(
    tmp_path: Path, ingested: Any, sessions: SyncSessions
) -> None:
    sing(tmp_path / "a.wav")
    (tmp_path / "marks.txt").write_text("0.1\t0.2\tAmsel\n")
    rows = ("a.wav,Pica pica,marks.txt", "none.wav,Pica pica,", "a.wav,Pica pica,")
    (tmp_path / "m.csv").write_text("path,label,annotations\n" + "\n".join(rows))
    counts = (await ingested(tmp_path / "m.csv"))["counts"]
    assert (counts["accepted"], counts["refused"], counts["skipped"]) == (1, 1, 1)
    with sessions() as session:
        assert session.query(Recording).one().annotations[0]["species"] == "Turdus merula"


def test_a_file_that_changes_while_it_is_copied_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(bytes(100))
    version = Version.of(path.stat())
    with SteadyFile(path, version) as file:
        assert file.read(1 << 20) == bytes(100)
        assert file.read(1 << 20) == b""
    with SteadyFile(path, version) as file, path.open("ab") as writer:
        file.read(1 << 20)
        writer.write(b"more")
        writer.flush()
        assert file.read(1 << 20) == b"more"
        with pytest.raises(ChangedFile, match="changed since"):
            file.read(1 << 20)
    with pytest.raises(ChangedFile, match="still being written"):
        SteadyFile(path, version)
