"""A recording is corrected, deleted, restored, and read in parts, on SQLite and on PostgreSQL alike."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile

from services.ingest.tasks import WORKER
from services.preprocess.tasks import WORKER as PREPROCESS
from shared.db.base import new_id
from shared.db.engine import SyncSessions
from shared.db.tables import Job, Section, Slice
from shared.prepared import decoder
from shared.settings import Settings
from shared.worker import Runtime, Worker
from tests.support.library import add_recording
from tests.support.sounds import RATE, SPECIES, chirps

MERULA = "Turdus merula"


@pytest.fixture(scope="module", autouse=True)
def _decoder_ends() -> Iterator[None]:
    yield
    decoder().close()
    decoder.cache_clear()


async def test_what_a_source_got_wrong_can_be_corrected(api: httpx.AsyncClient, sessions: SyncSessions) -> None:
    recording = add_recording(sessions, "Parus major", licence="?", country="Germany", quality="C")
    sent = {
        "species": "Amsel",
        "secondary": ["Kohlmeise", "parus_major", "Avis nova"],
        "quality": None,
        "licence": "CC BY 4.0",
        "country": None,
        "latitude": 47.5,
        "longitude": 11.5,
        "recorded_on": "2024-05-01",
        "recorded_time": "05:30",
    }
    answer = await api.patch(f"/recordings/{recording}", json=sent)
    assert answer.status_code == 200, answer.text
    assert {key: answer.json()[key] for key in sent} == {
        **sent,
        "species": MERULA,
        "secondary": ["Parus major", "Avis nova"],
        "country": "",
    }
    assert answer.json()["source"] == "folder", "what is not named stays"
    assert (await api.get(f"/recordings/{recording}")).json()["licence"] == "CC BY 4.0"
    assert [one["scientific_name"] for one in (await api.get("/species")).json()] == [MERULA]
    unlabelled = await api.patch(f"/recordings/{recording}", json={"species": None})
    assert unlabelled.json()["species"] is None


@pytest.mark.parametrize(("annotations", "jobs"), [([], 0), ([{"start": 0, "end": 1, "species": "Parus major"}], 1)])
async def test_marked_sections_are_sorted_anew_when_the_species_changes(
    api: httpx.AsyncClient, sessions: SyncSessions, annotations: list[object], jobs: int
) -> None:
    recording = add_recording(sessions, "Parus major", annotations=annotations)
    await api.patch(f"/recordings/{recording}", json={"quality": "B"})
    await api.patch(f"/recordings/{recording}", json={"species": "Parus major"})
    assert (await api.get("/jobs")).json()["items"] == []
    await api.patch(f"/recordings/{recording}", json={"species": "Amsel"})
    assert [one["kind"] for one in (await api.get("/jobs")).json()["items"]] == ["preprocess.prepare"] * jobs


async def test_a_correction_that_is_none_changes_nothing(api: httpx.AsyncClient, sessions: SyncSessions) -> None:
    recording = add_recording(sessions, MERULA)
    before = (await api.get(f"/recordings/{recording}")).json()
    wrong: list[dict[str, Any]] = [
        {},
        {"quality": "F"},
        {"label": MERULA},
        {"species": " "},
        {"species": "a\0b"},
        {"latitude": 91, "longitude": 0},
        {"latitude": 45},
        {"recorded_time": "25:00"},
        {"recorded_on": "yesterday"},
        {"recordist": "x" * 501},
        {"id": "a"},
    ]
    for correction in wrong:
        answer = await api.patch(f"/recordings/{recording}", json=correction)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input"), correction
    surrogate = await api.patch(
        f"/recordings/{recording}", content=rb'{"species": "\ud800"}', headers={"Content-Type": "application/json"}
    )
    assert surrogate.status_code == 422
    assert (await api.get(f"/recordings/{recording}")).json() == before


async def test_a_deleted_recording_is_out_of_lists_and_statistics_until_it_is_restored(
    api: httpx.AsyncClient, sessions: SyncSessions
) -> None:
    recording = add_recording(sessions, MERULA)
    first = (await api.delete(f"/recordings/{recording}")).json()["deleted_at"]
    again = (await api.delete(f"/recordings/{recording}")).json()["deleted_at"]
    assert first == again is not None
    assert (await api.get("/recordings")).json()["items"] == []
    assert (await api.get("/species")).json() == []
    assert (await api.get("/recordings/count")).json()["recordings"] == 0
    assert (await api.get(f"/recordings/{recording}")).json()["deleted_at"] == first
    for _ in range(2):
        assert (await api.post(f"/recordings/{recording}/restore")).json()["deleted_at"] is None
    assert [one["id"] for one in (await api.get("/recordings")).json()["items"]] == [recording]


async def test_what_is_not_there_is_a_problem_whatever_it_is_called(api: httpx.AsyncClient) -> None:
    for name in (new_id(), "nobody", "%00", "x" * 2_000):
        for method, rest in (
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("POST", "/restore"),
            ("GET", "/audio"),
            ("GET", "/sections"),
            ("GET", "/slices"),
            ("GET", "/spectrogram.png"),
        ):
            body = {"json": {"quality": "A"}} if method == "PATCH" else {}
            answer = await api.request(method, f"/recordings/{name}{rest}", **body)
            assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), (method, name, rest)


def clip(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "song.wav", chirps(SPECIES[0], 6.0), RATE)
    return folder / "song.wav"


def work(settings: Settings, worker: Worker) -> None:
    runtime = Runtime(settings)
    runtime.answer(worker)
    runtime.engine.dispose()


async def test_sending_a_deleted_recording_again_restores_it(api: httpx.AsyncClient, tmp_path: Path) -> None:
    content = clip(tmp_path / "sent").read_bytes()
    sent = {"audio": ("song.wav", content)}
    first = (await api.post("/recordings", files=sent)).json()
    assert (first["known"], first["restored"]) == (False, False)
    recording = first["recording"]["id"]
    await api.delete(f"/recordings/{recording}")
    second = (await api.post("/recordings", files=sent)).json()
    assert (second["known"], second["restored"]) == (True, True)
    assert (second["recording"]["id"], second["recording"]["deleted_at"]) == (recording, None)
    assert (await api.post("/recordings", files=sent)).json()["restored"] is False


async def test_an_ingestion_says_what_it_restored(
    api: httpx.AsyncClient, database_settings: Settings, tmp_path: Path
) -> None:
    path = clip(tmp_path / "library" / MERULA)
    sent = await api.post("/recordings", files={"audio": ("song.wav", path.read_bytes())})
    recording = sent.json()["recording"]["id"]
    await api.delete(f"/recordings/{recording}")
    source = {"source": "folder", "path": str(tmp_path / "library")}
    ingestion = (await api.post("/ingestions", json=source)).json()["id"]
    work(database_settings, WORKER)
    seen = (await api.get(f"/ingestions/{ingestion}")).json()
    assert [(one["path"], one["code"]) for one in seen["problems"]] == [(f"{MERULA}/song.wav", "restored")]
    listed = (await api.get("/recordings", params={"ingestion_id": ingestion})).json()["items"]
    assert [one["id"] for one in listed] == [recording]
    arrivals = (await api.get(f"/recordings/{recording}")).json()["ingestions"]
    assert arrivals == [{"ingestion_id": ingestion, "path": f"{MERULA}/song.wav", "outcome": "known"}]


async def test_deleting_while_it_is_prepared_breaks_nothing(
    api: httpx.AsyncClient, sessions: SyncSessions, database_settings: Settings, tmp_path: Path
) -> None:
    sent = (await api.post("/recordings", files={"audio": ("song.wav", clip(tmp_path).read_bytes())})).json()
    recording = sent["recording"]["id"]
    await api.delete(f"/recordings/{recording}")
    work(database_settings, PREPROCESS)
    with sessions() as session:
        assert session.get_one(Job, sent["job"]["id"]).state == "succeeded"
    detail = (await api.get(f"/recordings/{recording}")).json()
    assert (detail["prepared"], bool(detail["deleted_at"])) == (True, True)
    assert detail["slice_count"] == len(detail["slices"]) > 0
    heard = await api.get(f"/recordings/{recording}/audio")
    assert heard.content == (tmp_path / "song.wav").read_bytes()


def add_stretches(sessions: SyncSessions, recording: str, many: int) -> None:
    with sessions.begin() as session:
        for number in range(many):
            at, kind = number * RATE, "signal" if number % 2 else "noise"
            session.add(Section(recording_id=recording, kind=kind, start=at, end=at + RATE))
        session.add(Section(recording_id=recording, kind="signal", label="Parus major", start=RATE, end=2 * RATE))
        session.add(Slice(recording_id=recording, kind="signal", start=0, length=5 * RATE, signal_fraction=0.25))


async def test_a_recording_shows_its_first_sections_and_how_many_there_are(
    api: httpx.AsyncClient, sessions: SyncSessions
) -> None:
    recording = add_recording(sessions, MERULA)
    add_stretches(sessions, recording, 1_200)
    detail = (await api.get(f"/recordings/{recording}")).json()
    assert (detail["section_count"], len(detail["sections"])) == (1_201, 1_000)
    assert detail["slices"] == [{"kind": "signal", "species": "", "start": 0, "end": 5, "signal_fraction": 0.25}]


async def test_sections_come_page_by_page_or_all_at_once_as_csv(api: httpx.AsyncClient, sessions: SyncSessions) -> None:
    recording = add_recording(sessions, MERULA)
    add_stretches(sessions, recording, 10)
    add_stretches(sessions, add_recording(sessions, MERULA), 3)
    path, seen = f"/recordings/{recording}/sections", []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await api.get(path, params=query)).json()
        assert len(page["items"]) <= 2
        seen += page["items"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len(seen) == 11
    assert [one["start"] for one in seen] == [0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert {one["species"] for one in seen if one["start"] == 1} == {"", "Parus major"}
    table = await api.get(path, headers={"Accept": "text/csv, application/json;q=0.5"})
    assert table.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [(row["kind"], float(row["start"])) for row in rows] == [(one["kind"], one["start"]) for one in seen]
    noise = (await api.get(path, params={"kind": "noise"})).json()
    assert [one["start"] for one in noise["items"]] == [0, 2, 4, 6, 8]
    slices = (await api.get(f"/recordings/{recording}/slices")).json()["items"]
    assert [one["signal_fraction"] for one in slices] == [0.25]


async def test_a_made_up_cursor_of_sections_is_refused(api: httpx.AsyncClient, sessions: SyncSessions) -> None:
    recording = add_recording(sessions)
    for cursor in ("x", "MXxzaWduYWx8AA==", "OTk5OTk5OTk5OXxzaWduYWx8", "ÄÖ"):
        answer = await api.get(f"/recordings/{recording}/sections", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input"), cursor
