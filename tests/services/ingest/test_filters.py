"""Every filter of `GET /recordings`, on SQLite and on PostgreSQL alike."""

import string
from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.db.base import new_id, now
from shared.db.engine import SyncSessions
from shared.db.tables import Ingestion, IngestionItem, Job
from shared.species import SpeciesName, ensure
from tests.services.ingest.conftest import Connect
from tests.support.library import add_recording

MERULA, MAJOR = "Turdus merula", "Parus major"
RECORDINGS: dict[str, dict[str, Any]] = {
    "alps": {
        "label": MERULA,
        "quality": "A",
        "licence": "//creativecommons.org/licenses/by-nc-sa/4.0/",
        "country": "Austria",
        "recordist": "A. Birder",
        "latitude": 47.0,
        "longitude": 11.0,
        "recorded_on": date(2021, 5, 3),
        "signal_seconds": 20.0,
        "xc_id": "123",
        "source": "xeno-canto",
        "details": {"rmk": "sings 100% from a roof_top"},
    },
    "fiji": {
        "label": MAJOR,
        "quality": "C",
        "licence": "CC BY-NC-ND 4.0",
        "country": "Fiji",
        "recordist": "B. Birder",
        "latitude": -17.0,
        "longitude": 179.0,
        "recorded_on": date(2022, 12, 24),
        "signal_seconds": 5.0,
        "locality": "Suva, harbour",
    },
    "samoa": {
        "label": MAJOR,
        "licence": "CC BY 3.0",
        "latitude": -14.0,
        "longitude": -172.0,
        "recorded_on": date(2023, 1, 1),
        "country": "Samoa",
    },
    "unknown": {"prepared_at": None, "original_name": "Morning at the Pond.wav"},
    "gone": {"label": MERULA, "quality": "A", "deleted_at": now()},
}
ALL = {"alps", "fiji", "samoa", "unknown"}


@pytest.fixture
def library(sessions: SyncSessions) -> dict[str, str]:
    """Names of the recordings by their ids."""
    return {add_recording(sessions, **values): name for name, values in RECORDINGS.items()}


FOUND: list[tuple[dict[str, Any], set[str]]] = [
    ({}, ALL),
    ({"species": "Turdus merula"}, {"alps"}),
    ({"species": "amsel"}, {"alps"}),
    ({"species": ["Common Blackbird", "Kohlmeise"]}, {"alps", "fiji", "samoa"}),
    ({"species": "Merle noir"}, {"alps"}),
    ({"species": "Nobody"}, set()),
    ({"quality": "A"}, {"alps"}),
    ({"quality": ["C", "unrated"]}, {"fiji", "samoa", "unknown"}),
    ({"licence": "CC BY-NC-SA 4.0"}, {"alps"}),
    ({"licence": "cc by"}, {"samoa"}),
    ({"licence": "CC BY-NC-SA 3.0"}, set()),
    ({"licence": ["unknown", "CC BY"]}, {"samoa", "unknown"}),
    ({"no_derivatives": "exclude"}, ALL - {"fiji"}),
    ({"country": "austria"}, {"alps"}),
    ({"recordist": "A. Birder"}, {"alps"}),
    ({"source": "xeno-canto"}, {"alps"}),
    ({"xc_id": "XC123"}, {"alps"}),
    ({"box": "45,5,55,15"}, {"alps"}),
    ({"box": "-20,170,-10,-170"}, {"fiji", "samoa"}),
    ({"recorded_from": "2022-01-01", "recorded_to": "2022-12-31"}, {"fiji"}),
    ({"month": [12, 1]}, {"fiji", "samoa"}),
    ({"prepared": "false"}, {"unknown"}),
    ({"min_signal_seconds": 10}, {"alps"}),
    ({"text": "POND"}, {"unknown"}),
    ({"text": "harbour"}, {"fiji"}),
    ({"text": "100%"}, {"alps"}),
    ({"text": "roof_top"}, {"alps"}),
    ({"text": "_"}, {"alps"}),
    ({"deleted": "only"}, {"gone"}),
    ({"deleted": "include"}, ALL | {"gone"}),
    ({"species": MERULA, "country": "Fiji"}, set()),
]
NONE: list[dict[str, Any]] = [
    {"qualitee": "A"},
    {"quality": "F"},
    {"box": "1,2,3"},
    {"box": "50,0,40,10"},
    {"box": "nan,0,40,10"},
    {"recorded_from": "2022-02-01", "recorded_to": "2022-01-01"},
    {"recorded_from": "2022-00-00"},
    {"month": 13},
    {"min_signal_seconds": "inf"},
    {"species": "a\0b"},
    {"species": " "},
    {"cursor": "bm90aGluZw=="},
    {"cursor": "é"},
]


async def test_each_filter_finds_what_it_says(
    api: httpx.AsyncClient, sessions: SyncSessions, library: dict[str, str]
) -> None:
    with sessions.begin() as session:
        ensure(session, SpeciesName(MERULA, "Common Blackbird", {"fr": "Merle noir"}))
    for query, found in FOUND:
        answer = await api.get("/recordings", params=query)
        assert answer.status_code == 200, answer.text
        assert {library[one["id"]] for one in answer.json()["items"]} == found, query
        counted = await api.get("/recordings/count", params=query)
        assert counted.json()["recordings"] == len(found), query


async def test_a_filter_that_is_none_is_a_problem_that_names_it(api: httpx.AsyncClient) -> None:
    for query in NONE:
        answer = await api.get("/recordings", params=query)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input"), answer.text
        assert answer.json()["hint"]
        assert any(name in answer.json()["detail"] for name in query)


async def test_what_an_ingestion_brought_in_and_what_content_is_called(
    api: httpx.AsyncClient, sessions: SyncSessions, library: dict[str, str]
) -> None:
    alps = next(row for row, name in library.items() if name == "alps")
    with sessions.begin() as session:
        job = Job(kind="ingest.run", queue="ingest", payload={}, max_attempts=1)
        session.add(job)
        session.flush()
        ingestion = Ingestion(id=new_id(), job_id=job.id, source="folder", parameters={})
        session.add(ingestion)
        session.flush()
        session.add(IngestionItem(ingestion_id=ingestion.id, path="a", outcome="known", recording_id=alps))
        session.add(IngestionItem(ingestion_id=ingestion.id, path="b", outcome="refused"))
    answer = await api.get("/recordings", params={"ingestion_id": ingestion.id})
    (only,) = answer.json()["items"]
    assert only["id"] == alps
    with sessions.begin() as session:
        session.get_one(Job, ingestion.job_id).finished_at = now()
    ended = await api.get("/recordings", params={"ingestion_id": ingestion.id})
    assert ended.json() == answer.json()
    answer = await api.get("/recordings", params={"sha256": only["sha256"]})
    assert [one["id"] for one in answer.json()["items"]] == [alps]


async def test_pages_hold_each_recording_once_while_new_ones_come_in(
    api: httpx.AsyncClient, sessions: SyncSessions
) -> None:
    moment = now()
    expected = {add_recording(sessions, MERULA, created_at=moment) for _ in range(7)}
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3, "species": "Amsel"}
    while True:
        page = (await api.get("/recordings", params=query)).json()
        seen += [one["id"] for one in page["items"]]
        add_recording(sessions, MERULA)
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert (len(seen), set(seen)) == (7, expected)


ODD = st.text(alphabet=st.one_of(st.sampled_from(string.printable + "%_\\\0,äßı\u0301"), st.characters()), max_size=30)
NAMES = (
    "species", "quality", "licence", "no_derivatives", "country", "recordist", "source", "xc_id", "sha256", "box",
    "recorded_from", "recorded_to", "month", "prepared", "min_signal_seconds", "ingestion_id", "text", "deleted",
    "limit", "cursor", "q",
)  # fmt: skip
LIKELY = st.sampled_from(
    ["A", "CC BY", "1", "-1", "1e400", "true", "only", "9999-12-31", "0001-01-01", "-90,-180,90,180", "ab" * 16]
)


async def test_nothing_that_is_asked_for_breaks_the_service(connect: Connect, library: dict[str, str]) -> None:
    async with connect() as api:

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.dictionaries(st.sampled_from(NAMES), st.one_of(LIKELY, ODD), max_size=4))
        def asked(query: dict[str, str]) -> None:
            queries.append(query)

        queries: list[dict[str, str]] = []
        asked()
        for query in queries:
            for path in ("/recordings", "/recordings/count", "/species", "/attributions"):
                answer = await api.get(path, params={**query})
                assert answer.status_code in (200, 404, 422), (path, query, answer.text)
