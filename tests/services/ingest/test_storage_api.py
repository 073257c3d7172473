"""The storage over REST."""

import httpx

from tests.services.ingest.conftest import Connect


async def test_a_verification_is_a_job_and_is_not_done_twice_at_once(api: httpx.AsyncClient) -> None:
    answer = await api.post("/storage/verifications")
    assert answer.status_code == 202
    job = (await api.get(answer.headers["location"])).json()
    assert (job["kind"], job["state"]) == ("ingest.verify_storage", "queued")
    again = await api.post("/storage/verifications")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert job["id"] in again.json()["hint"]
    await api.delete(f"/jobs/{job['id']}")
    assert (await api.post("/storage/verifications")).status_code == 202


async def test_a_lost_answer_is_given_again(api: httpx.AsyncClient) -> None:
    first, second = [
        await api.post("/storage/prunings", json={"max_gb": 5}, headers={"Idempotency-Key": "a"}) for _ in range(2)
    ]
    assert first.status_code == second.status_code == 202
    assert first.headers["location"] == second.headers["location"]


async def test_a_pruning_needs_a_limit_from_the_request_or_the_settings(connect: Connect) -> None:
    async with connect() as api:
        refused = await api.post("/storage/prunings", json={})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input")
        assert "CHIFFCHAFF_PREPARED_MAX_GB" in refused.json()["hint"]
        for nonsense in (-1, "much"):
            assert (await api.post("/storage/prunings", json={"max_gb": nonsense})).status_code == 422
    async with connect(prepared_max_gb=2) as api:
        assert (await api.post("/storage/prunings", json={})).status_code == 202
