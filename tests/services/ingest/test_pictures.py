"""`GET /recordings/{id}/spectrogram.png`: what it shows, asked for again, and when there is nothing to show."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from matplotlib.colors import to_rgb
from PIL import Image
from sqlalchemy.orm import Session

from services.ingest import pictures
from services.ingest.api import API
from services.ingest.pictures import Drawing, Picture
from shared.audio.excerpt import DEFAULT_WIDTH
from shared.audio.picture import NOISE, SIGNAL
from shared.audio.wav import PreparedWriter
from shared.db.base import now
from shared.db.engine import sync_engine, sync_sessions
from shared.db.tables import Recording, Section, Slice
from shared.errors import Overloaded
from shared.prepared import decoder
from shared.settings import Settings
from shared.storage import storage_from
from tests.support.serving import asking, furnished
from tests.support.sounds import RATE, SPECIES, chirps

KEY = "a-key-that-is-long-enough"
SECONDS = 12


@pytest.fixture
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    return furnished(Settings.model_validate({"data_dir": tmp_path, **getattr(request, "param", {})}))


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(settings, API) as made:
        yield made


@contextmanager
def writing(settings: Settings) -> Iterator[Session]:
    engine = sync_engine(settings)
    with sync_sessions(engine).begin() as session:
        yield session
    engine.dispose()


def add_recording(settings: Settings, *, prepared: bool = True) -> str:
    """12 s; signal in the first half and noise in the second, whatever it sounds like."""
    half, end = SECONDS // 2 * RATE, SECONDS * RATE
    with writing(settings) as session:
        row = Recording(
            sha256="ab" * 32, original_key="originals/a.wav", original_name="大山雀.wav", size=1, source="folder"
        )
        session.add(row)
        session.flush()
        if prepared:
            row.prepared_key, row.prepared_samples, row.prepared_at = "prepared/a.wav", end, now()
            session.add_all(
                [
                    Section(recording_id=row.id, kind="noise", start=half, end=end),
                    Section(recording_id=row.id, kind="signal", start=0, end=half),
                    Slice(recording_id=row.id, kind="signal", start=0, length=5 * RATE, signal_fraction=1.0),
                ]
            )
        recording_id = row.id
    if prepared:
        with storage_from(settings).writing("prepared/a.wav") as part, part.open("wb") as file:
            writer = PreparedWriter(file)
            writer.write(chirps(SPECIES[0], SECONDS))
            writer.finish()
    return recording_id


def address(recording_id: str) -> str:
    return f"/recordings/{recording_id}/spectrogram.png"


def share_of(png: bytes, colour: str) -> float:
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    return float((np.abs(pixels - np.rint(255 * np.array(to_rgb(colour)))).max(axis=2) <= 2).mean())


async def test_it_is_a_picture_of_the_sections_and_slices_that_are_stored(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    recording_id = add_recording(settings)
    answer = await client.get(address(recording_id))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).width == DEFAULT_WIDTH
    first, second = [
        (await client.get(address(recording_id), params={"start": start, "seconds": 5, "width": 700})).content
        for start in (0, 7)
    ]
    assert Image.open(io.BytesIO(first)).width == 700
    # The legends are a little of each.
    assert share_of(first, SIGNAL) > 2 * share_of(second, SIGNAL)
    assert share_of(second, NOISE) > 5 * share_of(first, NOISE)


async def test_a_browser_that_has_the_picture_is_told_so_until_it_is_prepared_anew(
    client: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id = add_recording(settings)
    first = await client.get(address(recording_id))
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "_drawn", lambda _: pytest.fail("drawn again"))
        for offered in (tag, f'"other", W/{tag}'):
            again = await client.get(address(recording_id), headers={"If-None-Match": offered})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = await client.get(address(recording_id), params={"start": 1}, headers={"If-None-Match": tag})
    assert (other.status_code, other.headers["etag"] == tag) == (200, False)
    with writing(settings) as session:
        session.get_one(Recording, recording_id).prepared_at = now() + timedelta(seconds=1)
    anew = await client.get(address(recording_id), headers={"If-None-Match": tag})
    assert (anew.status_code, anew.headers["etag"] == tag) == (200, False)


async def test_what_a_person_marked_has_no_masks(client: httpx.AsyncClient, settings: Settings) -> None:
    recording_id = add_recording(settings)
    found = await client.get(address(recording_id))
    with writing(settings) as session:
        session.get_one(Recording, recording_id).segmentation = "given"
    marked = await client.get(address(recording_id), headers={"If-None-Match": found.headers["etag"]})
    assert marked.status_code == 200, marked.text
    heights = [Image.open(io.BytesIO(answer.content)).height for answer in (found, marked)]
    assert heights[0] - heights[1] > 150


async def test_what_is_not_there_or_not_prepared_says_so(client: httpx.AsyncClient, settings: Settings) -> None:
    missing = await client.get(address("nobody"))
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")
    recording_id = add_recording(settings, prepared=False)
    early = await client.get(address(recording_id))
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    assert f"/recordings/{recording_id}" in early.json()["hint"]


async def test_a_prepared_file_that_was_pruned_is_made_anew(
    client: httpx.AsyncClient, settings: Settings, tmp_path: Path
) -> None:
    recording_id = add_recording(settings)
    storage = storage_from(settings)
    soundfile.write(tmp_path / "a.wav", chirps(SPECIES[0], SECONDS), RATE)
    storage.copy_in("originals/a.wav", tmp_path / "a.wav")
    answers = []
    for _ in range(2):
        storage.delete("prepared/a.wav")
        answers.append(await client.get(address(recording_id)))
    decoder().close()
    decoder.cache_clear()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert storage.exists("prepared/a.wav")


async def test_a_prepared_file_whose_original_has_gone_too_is_a_problem_with_a_hint(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    recording_id = add_recording(settings)
    storage_from(settings).delete("prepared/a.wav")
    gone = await client.get(address(recording_id))
    assert (gone.status_code, gone.json()["code"]) == (404, "not-found")
    assert gone.json()["hint"]


@pytest.mark.parametrize(
    "asked",
    [
        {"start": 12},
        {"start": 1e9},
        {"start": -1},
        {"start": "nan"},
        {"seconds": 0},
        {"seconds": -3},
        {"seconds": "inf"},
        {"width": 100},
        {"width": 100_000},
    ],
)
async def test_what_cannot_be_shown_is_a_problem_document(
    client: httpx.AsyncClient, settings: Settings, asked: dict[str, float | str]
) -> None:
    answer = await client.get(address(add_recording(settings)), params=asked)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], bool(answer.json()["hint"])) == ("invalid-input", True)


@pytest.mark.parametrize("settings", [{"api_keys": KEY}], indirect=True)
async def test_where_keys_are_set_a_picture_needs_one(client: httpx.AsyncClient, settings: Settings) -> None:
    recording_id = add_recording(settings)
    assert (await client.get(address(recording_id))).status_code == 401
    assert (await client.get(address(recording_id), headers={"X-API-Key": KEY})).status_code == 200


async def test_openapi_says_that_it_is_a_picture(client: httpx.AsyncClient) -> None:
    route = (await client.get("/openapi.json")).json()["paths"]["/recordings/{recording_id}/spectrogram.png"]["get"]
    assert list(route["responses"]["200"]["content"]) == ["image/png"]


async def test_pictures_are_drawn_one_after_the_other_and_too_many_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    two_at_once = threading.Barrier(2)

    def slow(_picture: Picture) -> bytes:
        try:
            two_at_once.wait(timeout=1)
        except threading.BrokenBarrierError:
            return b"png"
        pytest.fail("two were drawn at once")

    async def wanted() -> None:
        return None

    monkeypatch.setattr(pictures, "_drawn", slow)
    picture = Picture(tmp_path, "", 0, 1, DEFAULT_WIDTH, [], [])
    drawing = Drawing()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(drawing.draw(picture, wanted)) for _ in range(pictures.MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await drawing.draw(picture, wanted)
    assert [task.result() for task in tasks] == [b"png"] * pictures.MOST_WAITING
    assert await drawing.draw(picture, wanted) == b"png"


async def test_a_picture_that_nobody_waits_for_is_not_drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Gone(Exception):
        pass

    async def gone() -> None:
        raise Gone

    monkeypatch.setattr(pictures, "_drawn", lambda _: pytest.fail("drawn for nobody"))
    with pytest.raises(Gone):
        await Drawing().draw(Picture(tmp_path, "", 0, 1, DEFAULT_WIDTH, [], []), gone)
