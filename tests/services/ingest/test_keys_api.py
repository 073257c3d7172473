"""Keys in the database: made, used, revoked; on both databases."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from shared import jobs
from shared.db.access import ApiKey
from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.http import callers
from shared.keys import digest
from tests.services.ingest.conftest import Connect

MASTER = "a-key-that-is-long-enough"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def made(api: httpx.AsyncClient, name: str, *scopes: str, by: str = MASTER, **more: Any) -> dict[str, Any]:
    answer = await api.post("/keys", json={"name": name, "scopes": list(scopes), **more}, headers=bearer(by))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def status(api: httpx.AsyncClient, method: str, path: str, key: str, **more: Any) -> int:
    return (await api.request(method, path, headers=bearer(key), **more)).status_code


@pytest.fixture
async def guarded(connect: Connect) -> AsyncIterator[httpx.AsyncClient]:
    """The API where the operator set a first key."""
    async with connect(api_keys=MASTER) as client:
        yield client


async def test_a_key_is_shown_once_and_kept_as_its_hash(guarded: httpx.AsyncClient, sessions: SyncSessions) -> None:
    key = await made(guarded, "recorder-3", "ingest", "classify")
    assert key["key"].startswith("cc_")
    assert key["key"].startswith(key["prefix"])
    assert key["scopes"] == ["classify", "ingest"]
    listed = await guarded.get("/keys", headers=bearer(MASTER))
    assert [one["name"] for one in listed.json()["items"]] == ["recorder-3"]
    assert key["key"] not in listed.text
    with sessions() as session:
        row = session.scalars(select(ApiKey)).one()
        assert row.sha256 == digest(key["key"])
        assert key["key"] not in [str(value) for value in vars(row).values()]


async def test_nobody_is_given_the_answer_to_a_request_of_somebody_else(guarded: httpx.AsyncClient) -> None:
    one, other = [(await made(guarded, name, "admin"))["key"] for name in ("one", "other")]
    answers = [
        await guarded.post("/storage/prunings", json={"max_gb": 5}, headers={"Idempotency-Key": "a", **bearer(key)})
        for key in (one, one, other)
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 409]
    assert answers[0].json() == answers[1].json()


async def test_a_key_opens_what_its_scopes_say_and_the_refusal_names_the_scope(guarded: httpx.AsyncClient) -> None:
    training = (await made(guarded, "gpu-box", "train"))["key"]
    assert await status(guarded, "GET", "/recordings", training) == 200
    assert await status(guarded, "GET", "/recordings/count", training) == 200
    for method, path in [("DELETE", "/recordings/x"), ("GET", "/ingestions"), ("GET", "/keys"), ("POST", "/keys")]:
        answer = await guarded.request(method, path, headers=bearer(training))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
        assert "gpu-box has the scope train" in answer.json()["detail"]
        assert "chiffchaff keys create" in answer.json()["hint"]
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_an_admin_key_may_everything(guarded: httpx.AsyncClient) -> None:
    admin = (await made(guarded, "me", "admin"))["key"]
    assert await status(guarded, "GET", "/ingestions", admin) == 200
    assert (await made(guarded, "you", "train", by=admin))["name"] == "you"


async def test_a_revoked_key_stops_here_at_once_and_elsewhere_within_seconds(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "FRESH_SECONDS", 0.3)
    async with connect(api_keys=MASTER) as here, connect(api_keys=MASTER) as elsewhere:
        key = await made(here, "lost-phone", "ingest")
        for api in (here, elsewhere):
            assert await status(api, "GET", "/ingestions", key["key"]) == 200
        revoked = await here.delete(f"/keys/{key['id']}", headers=bearer(MASTER))
        assert revoked.json()["revoked_at"]
        assert await status(here, "GET", "/ingestions", key["key"]) == 401
        async with asyncio.timeout(3):
            while await status(elsewhere, "GET", "/ingestions", key["key"]) != 401:
                pass
        again = await here.delete(f"/keys/{key['id']}", headers=bearer(MASTER))
        assert again.json()["revoked_at"] == revoked.json()["revoked_at"]


async def test_a_key_expires_by_itself(guarded: httpx.AsyncClient, sessions: SyncSessions) -> None:
    key = await made(guarded, "guest", "ingest", expires_at=(now() + timedelta(days=90)).isoformat())
    assert await status(guarded, "GET", "/ingestions", key["key"]) == 200
    with sessions.begin() as session:
        session.execute(update(ApiKey).values(expires_at=now() - timedelta(seconds=1)))
    async with asyncio.timeout(callers.FRESH_SECONDS + 3):
        while await status(guarded, "GET", "/ingestions", key["key"]) != 401:
            pass


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["birds"]},
        {"name": "with space", "scopes": ["train"]},
        {"name": "x", "scopes": ["train"], "expires_at": "2001-01-01T00:00:00Z"},
        {"name": "x", "scopes": ["train"], "expires_at": "2999-01-01T00:00:00"},
        {"name": "x", "scopes": ["train"], "expires_at": "9999-12-31T23:00:00-10:00"},
        {"name": "x", "scopes": ["train"], "key": "cc_mine"},
    ],
)
async def test_a_key_that_makes_no_sense_is_not_made(guarded: httpx.AsyncClient, wanted: dict[str, Any]) -> None:
    answer = await guarded.post("/keys", json=wanted, headers=bearer(MASTER))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input"), answer.text


async def test_a_name_is_free_again_when_its_key_is_revoked(guarded: httpx.AsyncClient) -> None:
    key = await made(guarded, "recorder", "ingest")
    again = await guarded.post("/keys", json={"name": "recorder", "scopes": ["ingest"]}, headers=bearer(MASTER))
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    await guarded.delete(f"/keys/{key['id']}", headers=bearer(MASTER))
    assert (await made(guarded, "recorder", "ingest"))["id"] != key["id"]


async def test_from_the_first_key_on_one_is_asked_for_and_the_first_is_an_admin(api: httpx.AsyncClient) -> None:
    assert (await api.get("/recordings")).status_code == 200
    refused = await api.post("/keys", json={"name": "recorder", "scopes": ["ingest"]})
    assert refused.status_code == 422
    assert "admin" in refused.json()["hint"]
    first = (await api.post("/keys", json={"name": "me", "scopes": ["admin"]})).json()
    assert (await api.get("/recordings")).status_code == 401
    assert await status(api, "GET", "/recordings", first["key"]) == 200
    last = await api.delete(f"/keys/{first['id']}", headers=bearer(first["key"]))
    assert (last.status_code, last.json()["code"]) == (409, "conflict")


async def test_when_every_key_is_revoked_the_doors_stay_shut(connect: Connect) -> None:
    async with connect(api_keys=MASTER) as api:
        key = await made(api, "me", "admin")
        assert (await api.delete(f"/keys/{key['id']}", headers=bearer(MASTER))).status_code == 200
    async with connect() as without_settings:
        assert (await without_settings.get("/recordings")).status_code == 401


async def test_when_a_key_was_used_is_noted_once_a_minute(guarded: httpx.AsyncClient, sessions: SyncSessions) -> None:
    key = await made(guarded, "recorder", "ingest")

    def used() -> Any:
        with sessions() as session:
            return session.scalars(select(ApiKey.last_used_at)).one()

    assert used() is None
    for _ in range(5):
        assert await status(guarded, "GET", "/ingestions", key["key"]) == 200
    async with asyncio.timeout(10):
        while await asyncio.to_thread(used) is None:
            pass
    first = used()
    assert abs((first - now()).total_seconds()) < 60
    assert await status(guarded, "GET", "/ingestions", key["key"]) == 200
    assert used() == first


async def test_who_may_start_a_kind_of_job_may_cancel_and_retry_it(
    guarded: httpx.AsyncClient, sessions: SyncSessions
) -> None:
    keys = {scope: (await made(guarded, f"{scope}-key", scope))["key"] for scope in ("ingest", "train")}
    with sessions.begin() as session:
        ids = {
            kind: jobs.submit(session, kind, {}, max_attempts=1).id
            for kind in ("ingest.run", "trainer.train", "ingest.review", "ingest.prune_storage")
        }
    for kind, scope in [
        ("ingest.run", "train"),
        ("trainer.train", "ingest"),
        ("ingest.review", "ingest"),
        ("ingest.prune_storage", "ingest"),
    ]:
        assert await status(guarded, "DELETE", f"/jobs/{ids[kind]}", keys[scope]) == 403
        assert await status(guarded, "GET", f"/jobs/{ids[kind]}", keys[scope]) == 200
    for kind, scope in [("ingest.run", "ingest"), ("trainer.train", "train"), ("ingest.review", "train")]:
        assert await status(guarded, "DELETE", f"/jobs/{ids[kind]}", keys[scope]) == 200
        assert await status(guarded, "POST", f"/jobs/{ids[kind]}/retry", keys[scope]) == 202
    assert await status(guarded, "POST", "/jobs/retry", keys["ingest"], json={"state": "dead"}) == 403
    assert await status(guarded, "POST", "/jobs/retry", keys["ingest"], json={"kind": "preprocess.prepare"}) == 202
    assert await status(guarded, "POST", "/jobs/retry", MASTER, json={"state": "dead"}) == 202
