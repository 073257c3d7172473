"""What the service knows of places: learned in the background, and asked by `GET /species/expected`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete
from sqlalchemy.exc import OperationalError

from services.inference.api import API
from services.inference.places import Places, open_places
from services.inference.places_api import router
from shared.db.engine import SyncSessions, sync_engine
from shared.db.migrate import migrate
from shared.db.tables import Recording
from shared.http.app import Api
from shared.settings import Settings
from shared.species import SpeciesName, ensure
from tests.services.inference.conftest import problem
from tests.support.library import add_recording
from tests.support.serving import asking

MERULA, MAJOR = "Turdus merula", "Parus major"
MUNICH = {"latitude": 48.1, "longitude": 11.6}
HERE = {**MUNICH, "date": "2026-05-04"}


@pytest.fixture
def library(sessions: SyncSessions) -> SyncSessions:
    """Three mornings with a blackbird in and near Munich, one of them with a great tit."""
    with sessions.begin() as session:
        ensure(session, SpeciesName(MERULA, "Common Blackbird"))
    for number, day in enumerate([date(2023, 5, 4), date(2024, 5, 4), date(2025, 5, 4)]):
        where = {"latitude": 48.1, "longitude": 11.6 + number / 100, "recorded_on": day, "recordist": "A. Birder"}
        add_recording(sessions, MERULA, **where)
        if number == 0:
            add_recording(sessions, MAJOR, **where)
    return sessions


async def learned(places: Places) -> None:
    async with asyncio.timeout(30):
        while places.learned_at is None:
            await asyncio.to_thread(int)  # a turn for the thread that reads


@asynccontextmanager
async def answering(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that has learned the library, with this route and no model."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_places(settings) as places:
            app.state.places = places
            await learned(places)
            yield

    settings.storage_dir.mkdir(parents=True, exist_ok=True)
    async with asking(settings, Api(name="places", routers=[router], lifespan=lifespan)) as client:
        yield client


@pytest.fixture
async def taught(database_settings: Settings, library: SyncSessions) -> AsyncIterator[httpx.AsyncClient]:
    async with answering(database_settings) as client:
        yield client


async def expected(client: httpx.AsyncClient, **query: object) -> Any:
    answer = await client.get("/species/expected", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_species_of_a_place_and_season_come_with_what_stands_behind_them(taught: httpx.AsyncClient) -> None:
    answer = await expected(taught, **HERE)
    assert answer["nearby_visits"] == pytest.approx(3, abs=0.05)
    blackbird, tit = answer["species"]
    assert (blackbird["species"], blackbird["common_name"], blackbird["expected"]) == (MERULA, "Common Blackbird", True)
    assert blackbird["share"] == 1
    assert (tit["species"], tit["common_name"], tit["expected"]) == (MAJOR, "", True)
    assert tit["share"] == pytest.approx(1 / 3, abs=0.01)
    assert tit["visits"] == pytest.approx(1, abs=0.02)
    assert (answer["note"], answer["date"]) == ("", "2026-05-04")
    assert answer["learned_at"]


async def test_a_place_or_a_date_alone_is_enough(taught: httpx.AsyncClient) -> None:
    for query in (MUNICH, {"date": "2024-02-29"}, {"date": "2026-05-04"}):
        assert "species" in await expected(taught, **query)
    assert len((await expected(taught, date="2026-05-04"))["species"]) == 2
    assert len((await expected(taught, **HERE, limit=1))["species"]) == 1


async def test_where_nothing_was_recorded_the_answer_says_so(taught: httpx.AsyncClient) -> None:
    answer = await expected(taught, latitude=-33.9, longitude=151.2, date="2026-05-04")
    assert (answer["species"], answer["nearby_visits"]) == ([], 0)
    assert "Nothing was recorded near" in answer["note"]


@pytest.mark.usefixtures("sessions")
async def test_a_library_without_places_says_so(database_settings: Settings) -> None:
    async with answering(database_settings) as client:
        answer = await expected(client, **HERE)
    assert answer["species"] == []
    assert "No recording of the library has a place" in answer["note"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"latitude": 48.1},
        {"longitude": 11.6, "date": "2026-05-04"},
        {"latitude": 91, "longitude": 0},
        {"latitude": "nan", "longitude": 0},
        {"date": "2025-02-29"},
        {"date": "May"},
        {**HERE, "limit": 0},
        {**HERE, "lat": 1},
    ],
)
async def test_what_is_no_place_or_date_is_refused_with_a_reason(
    taught: httpx.AsyncClient, query: dict[str, object]
) -> None:
    problem(await taught.get("/species/expected", params=query), 422, "invalid-input")


@pytest.mark.usefixtures("sessions")
async def test_it_needs_a_key_where_the_others_do(database_settings: Settings) -> None:
    key = "a-long-enough-key-for-a-test-0123456789"
    async with answering(Settings.model_validate({**database_settings.model_dump(), "api_keys": key})) as client:
        problem(await client.get("/species/expected", params=HERE), 401, "unauthorized")


def test_the_inference_service_has_the_route() -> None:
    assert router in API.routers


async def test_the_library_is_read_again_only_when_it_changed(
    database_settings: Settings, library: SyncSessions
) -> None:
    places = Places(database_settings)
    assert await places.refresh()
    held = places.expectations
    assert not await places.refresh()
    assert places.expectations is held

    add_recording(library, MAJOR, **MUNICH, recorded_on=date(2022, 5, 4))
    assert await places.refresh()
    assert places.expectations.visits == 4
    assert held.visits == 3, "who holds what was known before goes on with it"


async def test_a_deleted_recording_is_forgotten(database_settings: Settings, library: SyncSessions) -> None:
    places = Places(database_settings)
    await places.refresh()
    with library.begin() as session:
        session.execute(delete(Recording).where(Recording.label == MAJOR))
    await places.refresh()
    assert set(places.expectations.index) == {MERULA}


async def test_a_database_that_is_away_is_waited_for(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "later")
    places = Places(settings)
    with pytest.raises(OperationalError):
        await places.refresh()
    following = asyncio.create_task(places.follow(seconds=0.02))
    settings.data_dir.mkdir()
    engine = sync_engine(settings)
    migrate(engine)
    engine.dispose()
    try:
        await learned(places)
    finally:
        following.cancel()
    assert places.expectations.visits == 0
