"""Where the recordings are from, and what there is to filter by, on SQLite and on PostgreSQL alike."""

import httpx

from shared.db.engine import SyncSessions
from tests.support.library import add_recording

MERULA, MAJOR = "Turdus merula", "Parus major"


async def test_recordings_of_one_neighbourhood_are_one_place(api: httpx.AsyncClient, sessions: SyncSessions) -> None:
    for latitude, longitude in ((48.10, 11.50), (48.14, 11.54), (-33.9, 151.2)):
        add_recording(sessions, MERULA, latitude=latitude, longitude=longitude)
    add_recording(sessions, MAJOR, latitude=52.5, longitude=13.4)
    add_recording(sessions, MERULA)

    munich = {"latitude": 48.12, "longitude": 11.52, "box": "48.1,11.5,48.14,11.54", "recordings": 2}
    sydney = {"latitude": -33.9, "longitude": 151.2, "box": "-33.9,151.2,-33.9,151.2", "recordings": 1}
    found = (await api.get("/recordings/places", params={"species": MERULA})).json()
    assert found == [munich, sydney]
    finer = (await api.get("/recordings/places", params={"cell": 0.01})).json()
    assert [one["recordings"] for one in finer] == [1, 1, 1, 1]
    assert (await api.get("/recordings/places", params={"box": "40,0,50,20"})).json() == [munich]
    assert (await api.get("/recordings/count", params={"box": munich["box"]})).json()["recordings"] == 2
    assert (await api.get("/recordings/places", params={"cell": 0})).status_code == 422


async def test_licences_are_one_however_they_are_spelt_and_what_is_empty_is_no_value(
    api: httpx.AsyncClient, sessions: SyncSessions
) -> None:
    for licence, recordist in (("cc-by-4.0", "Ann"), ("CC BY 4.0", "Ann"), ("CC0", "Ben"), ("", "")):
        add_recording(sessions, MERULA, licence=licence, recordist=recordist, country="Peru", source="upload")
    values = (await api.get("/recordings/values")).json()
    assert values == {
        "licence": [{"value": "CC BY 4.0", "recordings": 2}, {"value": "CC0 1.0", "recordings": 1}],
        "recordist": [{"value": "Ann", "recordings": 2}, {"value": "Ben", "recordings": 1}],
        "country": [{"value": "Peru", "recordings": 4}],
        "source": [{"value": "upload", "recordings": 4}],
    }
    narrowed = (await api.get("/recordings/values", params={"recordist": "Ben"})).json()
    assert [one["value"] for one in narrowed["licence"]] == ["CC0 1.0"]
    listed = (await api.get("/recordings", params={"recordist": "Ann"})).json()["items"]
    assert {(one["licence_name"], one["licence_url"]) for one in listed} == {
        ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/")
    }
