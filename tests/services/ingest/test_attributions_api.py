"""`GET /attributions`: nobody is forgotten, nobody is named twice, on SQLite and on PostgreSQL alike."""

import csv
import io
import json
from typing import Any

import httpx
import pytest

from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.db.tables import Dataset, Model
from shared.settings import Settings
from shared.species import SpeciesName, ensure
from shared.storage import storage_from
from tests.support.library import add_recording

MERULA, MAJOR = "Turdus merula", "Parus major"
BY = "https://creativecommons.org/licenses/by/4.0/"
PLAIN, MARKDOWN, CSV = ({"Accept": media_type} for media_type in ("text/plain", "text/markdown", "text/csv"))


@pytest.fixture
def library(sessions: SyncSessions) -> dict[str, str]:
    """Ids of recordings by a short name."""
    with sessions.begin() as session:
        ensure(session, SpeciesName(MERULA, "Common Blackbird"))
        ensure(session, SpeciesName(MAJOR))
        ensure(session, SpeciesName("Rain", "Rain"))
    birder = {"recordist": "A. Birder", "xc_id": "2"}
    return {
        "first": add_recording(sessions, MERULA, **birder, licence="CC BY 4.0"),
        "again": add_recording(sessions, MERULA, **birder, licence="//creativecommons.org/licenses/by/4.0/"),
        "tit": add_recording(sessions, MAJOR, recordist="A. Birder", xc_id="1", licence="cc-by-4.0"),
        "stricter": add_recording(sessions, MAJOR, recordist="A. Birder", licence="CC BY-NC-ND 4.0", xc_id="3"),
        "unknown": add_recording(sessions, None, original_name="Pond, at\tdawn.wav", licence="ask first"),
        "linked": add_recording(sessions, MAJOR, recordist="*B*", source_url="https://b.org/a", original_name="b.mp3"),
        "gone": add_recording(sessions, MAJOR, recordist="C. Birder", xc_id="9", deleted_at=now()),
    }


TEXT = f"""\
Unknown recordist, ask first:
- Unlabelled: Pond, at dawn.wav

*B*, licence unknown:
- {MAJOR} (Great Tit): b.mp3 (https://b.org/a)

A. Birder, CC BY 4.0 ({BY}):
- {MAJOR} (Great Tit): XC1 (https://xeno-canto.org/1)
- {MERULA} (Common Blackbird): XC2 (https://xeno-canto.org/2)

A. Birder, CC BY-NC-ND 4.0 (https://creativecommons.org/licenses/by-nc-nd/4.0/):
- {MAJOR} (Great Tit): XC3 (https://xeno-canto.org/3)
"""


@pytest.mark.usefixtures("library")
async def test_the_text_names_each_recordist_licence_and_recording_once(api: httpx.AsyncClient) -> None:
    answer = await api.get("/attributions", headers=PLAIN)
    assert answer.headers["content-type"].startswith("text/plain")
    paragraphs = answer.text.rstrip("\n").split("\n\n")
    assert sorted(paragraphs) == sorted(TEXT.rstrip("\n").split("\n\n"))
    free = await api.get("/attributions", params={"no_derivatives": "exclude"}, headers=PLAIN)
    assert "XC3" not in free.text
    nothing = await api.get("/attributions", params={"country": "Atlantis"}, headers=PLAIN)
    assert nothing.text == "No recordings.\n"


@pytest.mark.usefixtures("library")
async def test_the_same_as_data_with_every_recording(api: httpx.AsyncClient, library: dict[str, str]) -> None:
    credits = (await api.get("/attributions")).json()["credits"]
    (mine,) = [one for one in credits if one["licence"] == "CC BY 4.0"]
    assert (mine["recordist"], mine["licence_url"]) == ("A. Birder", BY)
    assert [one["xc_id"] for one in mine["recordings"]] == ["1", "2", "2"]
    ids = {one["id"] for group in credits for one in group["recordings"]}
    assert ids == set(library.values()) - {library["gone"]}
    table = await api.get("/attributions", headers=CSV)
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert {row["id"] for row in rows} == ids
    assert {row["url"] for row in rows if row["xc_id"] == "3"} == {"https://xeno-canto.org/3"}
    assert (await api.get("/attributions", params={"country": "Atlantis"})).json() == {"credits": []}


@pytest.mark.usefixtures("library")
async def test_markdown_has_links_and_no_markup_from_outside(api: httpx.AsyncClient) -> None:
    text = (await api.get("/attributions", headers=MARKDOWN)).text
    assert f"A. Birder, [CC BY 4.0](<{BY}>):\n\n- *{MAJOR}* (Great Tit): [XC1](<https://xeno-canto.org/1>)" in text
    assert "\\*B\\*, licence unknown" in text


async def test_a_species_whose_common_name_is_the_same_is_named_once(
    api: httpx.AsyncClient, sessions: SyncSessions, library: dict[str, str]
) -> None:
    rain = add_recording(sessions, "Rain", original_name="rain.wav", licence="CC0")
    text = (await api.get("/attributions", params={"ids": rain}, headers=PLAIN)).text
    assert text.endswith("\n- Rain: rain.wav\n")


async def test_recordings_by_id_are_credited_also_when_they_are_deleted(
    api: httpx.AsyncClient, library: dict[str, str]
) -> None:
    for ids in ([library["gone"], library["tit"]], f"{library['gone']}, {library['tit']}"):
        answer = await api.get("/attributions", params={"ids": ids}, headers=PLAIN)
        assert ("XC9" in answer.text, "XC1 " in answer.text, answer.text.count("XC")) == (True, True, 2)
    missing = await api.get("/attributions", params={"ids": ["0" * 32, library["tit"]]})
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")


async def test_datasets_and_models_credit_what_they_were_made_of(
    api: httpx.AsyncClient, sessions: SyncSessions, database_settings: Settings, library: dict[str, str]
) -> None:
    here = (await api.get(f"/recordings/{library['linked']}")).json()["sha256"]
    recordings: list[dict[str, Any]] = [
        {"sha256": here, "recordist": "B. Birder", "licence": "CC BY 4.0", "xc_id": None},
        {"sha256": "f" * 64, "recordist": None, "licence": None, "xc_id": "77"},
    ]
    lines = [{"label": MAJOR, **one} for one in recordings]
    storage = storage_from(database_settings)
    with storage.writing("datasets/old.json") as part:
        part.write_text(json.dumps({"format": 1, "recordings": lines}))
    with storage.writing("datasets/new.jsonl") as part:
        marked = {**lines[0], "label": MERULA, "marked": True}
        part.write_text("".join(f"{json.dumps(line)}\n" for line in ({"format": 2, "labels": []}, *lines, marked)))
    with storage.writing("datasets/damaged.jsonl") as part:
        part.write_text('{"format": 2}\n{"sha')
    with sessions.begin() as session:
        datasets = [
            Dataset(name=name, sha256="a", file_key=f"datasets/{name}", parameters={}, summary={})
            for name in ("old.json", "new.jsonl", "damaged.jsonl", "lost.jsonl")
        ]
        session.add_all(datasets)
        for version, listed in ((1, []), (2, [{"species": MAJOR, **one} for one in recordings])):
            manifest = {"recordings": listed}
            session.add(Model(name="garden", version=version, sha256="b", file_key="m", manifest=manifest))
        session.flush()
        old, new, damaged, lost = [dataset.id for dataset in datasets]
    expected = (
        f"Unknown recordist, licence unknown:\n- {MAJOR} (Great Tit): XC77 (https://xeno-canto.org/77)\n\n"
        f"B. Birder, CC BY 4.0 ({BY}):\n- {MAJOR} (Great Tit): b.mp3 (https://b.org/a)\n"
    )
    for query in (
        {"dataset_id": old},
        {"dataset_id": new},
        {"model": "garden"},
        {"model": "garden", "version": 2},
    ):
        answer = await api.get("/attributions", params=query, headers=PLAIN)
        assert answer.text == expected, query
    first, second = (await api.get("/attributions", params={"model": "garden"})).json()["credits"]
    assert (first["recordings"][0]["id"], second["recordings"][0]["id"]) == (None, library["linked"])
    old = await api.get("/attributions", params={"model": "garden", "version": 1}, headers=PLAIN)
    assert old.text == "No recordings.\n"
    for query in (
        {"dataset_id": "0" * 32},
        {"dataset_id": lost},
        {"model": "nobody"},
        {"model": "garden", "version": 3},
    ):
        assert (await api.get("/attributions", params=query)).status_code == 404
    assert (await api.get("/attributions", params={"dataset_id": damaged})).status_code == 422


async def test_two_sets_at_once_are_refused(api: httpx.AsyncClient) -> None:
    for query in (
        {"ids": "0" * 32, "model": "a"},
        {"model": "a", "country": "Norway"},
        {"dataset_id": "0" * 32, "deleted": "only"},
        {"version": 2},
        {"ids": "not-an-id"},
        {"model": "a\0b"},
    ):
        answer = await api.get("/attributions", params=query)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input"), query
