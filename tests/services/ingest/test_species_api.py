"""`GET /species` and its picture, on SQLite and on PostgreSQL alike."""

import csv
import io

import httpx
import numpy as np
import pytest
from PIL import Image

from services.ingest.species_chart import draw_species
from services.ingest.species_statistics import SpeciesView
from shared.audio.excerpt import LEAST_WIDTH
from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.species import SpeciesName, ensure
from tests.support.library import add_recording

MERULA, MAJOR = "Turdus merula", "Parus major"


@pytest.fixture
def library(sessions: SyncSessions) -> None:
    with sessions.begin() as session:
        ensure(session, SpeciesName(MERULA, "Common Blackbird", {"de": "Amsel", "fr": "Merle à plastron"}))
        ensure(session, SpeciesName(MAJOR, "Great Tit", {"de": "Kohlmeise"}))
        ensure(session, SpeciesName("Avis nulla"))
    for quality, recordist in (("A", "A. Birder"), ("A", "B. Birder"), (None, "")):
        add_recording(sessions, MERULA, quality=quality, recordist=recordist, seconds=60.0, signal_seconds=30.5)
    add_recording(sessions, MERULA, prepared_at=None, recordist="A. Birder", country="Norway")
    add_recording(sessions, MAJOR, quality="E", seconds=10.0, signal_seconds=5.0)
    add_recording(sessions, MAJOR, quality="E", seconds=10.0, signal_seconds=5.0, deleted_at=now())
    add_recording(sessions, None, seconds=99.0)


@pytest.mark.usefixtures("library")
async def test_each_species_has_its_names_and_figures(api: httpx.AsyncClient) -> None:
    tit, blackbird = (await api.get("/species")).json()
    assert blackbird == {
        "scientific_name": MERULA,
        "common_name": "Common Blackbird",
        "names": {"de": "Amsel", "fr": "Merle à plastron"},
        "recordings": 4,
        "recordists": 2,
        "seconds": 180.0,
        "signal_seconds": 91.5,
        "quality": {"A": 2, "B": 0, "C": 0, "D": 0, "E": 0, "unrated": 2},
    }
    assert (tit["scientific_name"], tit["recordings"], tit["recordists"], tit["seconds"]) == (MAJOR, 1, 0, 10.0)


@pytest.mark.usefixtures("library")
async def test_species_are_found_by_a_part_of_any_name_and_by_the_filters_of_recordings(
    api: httpx.AsyncClient,
) -> None:
    for query, expected in (
        ({"q": "AMS"}, [MERULA]),
        ({"q": "merle a plas"}, [MERULA]),
        ({"q": "r"}, [MAJOR, MERULA]),
        ({"q": "nulla"}, []),
        ({"q": "%"}, []),
        ({"country": "Norway"}, [MERULA]),
        ({"deleted": "only"}, [MAJOR]),
    ):
        found = (await api.get("/species", params=query)).json()
        assert [one["scientific_name"] for one in found] == expected, query
    assert (await api.get("/species", params={"query": "r"})).status_code == 422


@pytest.mark.usefixtures("library")
async def test_the_table_has_a_column_for_each_language(api: httpx.AsyncClient) -> None:
    answer = await api.get("/species", headers={"Accept": "text/csv"})
    tit, blackbird = csv.DictReader(io.StringIO(answer.text))
    assert (blackbird["name_fr"], tit["name_fr"], tit["name_de"]) == ("Merle à plastron", "", "Kohlmeise")
    assert (blackbird["A"], blackbird["unrated"], blackbird["signal_seconds"]) == ("2", "2", "91.5")


@pytest.mark.usefixtures("library")
async def test_the_picture_is_as_wide_as_asked_for(api: httpx.AsyncClient) -> None:
    answer = await api.get("/species.png", params={"width": 700, "top": 1})
    assert answer.headers["content-type"] == "image/png", answer.text
    assert Image.open(io.BytesIO(answer.content)).width == 700
    empty = await api.get("/species.png", params={"country": "Atlantis"})
    assert empty.headers["content-type"] == "image/png"
    assert (await api.get("/species.png", params={"top": 0})).status_code == 422


def test_nothing_in_the_narrowest_picture_runs_over_its_edge() -> None:
    found = [
        SpeciesView(
            scientific_name=f"Avis longissima $number {number} 大山雀 " + "x" * 80,
            common_name="A Bird",
            names={},
            recordings=1_000_000,
            recordists=1,
            seconds=1e9,
            signal_seconds=4e7 / (number + 1),
            quality={},
        )
        for number in range(3)
    ]
    picture = np.asarray(Image.open(io.BytesIO(draw_species(found, top=3, width=LEAST_WIDTH))).convert("L"))
    assert picture[:, :4].min() == picture[:, -4:].min() == 255
    assert picture.min() < 100
