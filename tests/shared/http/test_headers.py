"""What every answer says to browsers, and which pages from elsewhere may read it."""

import json

import httpx
import pytest
import structlog

from shared.http.headers import SECURITY_HEADERS
from tests.shared.http.conftest import Serve

PAGE = "https://birds.example"
KEY = "a-key-that-is-long-enough"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    ("path", "status"), [("/nests", 200), ("/healthz", 200), ("/none", 404), ("/broken", 500), ("/openapi.json", 200)]
)
async def test_every_answer_is_confined(serve: Serve, path: str, status: int) -> None:
    async with serve() as api:
        answer = await api.get(path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


async def preflight(api: httpx.AsyncClient, origin: str) -> httpx.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return await api.options("/nests", headers={**headers, "Access-Control-Request-Headers": "authorization"})


async def test_no_page_from_elsewhere_may_call_unless_it_was_named(serve: Serve) -> None:
    async with serve(api_keys=KEY) as api:
        assert "access-control-allow-origin" not in (await preflight(api, PAGE)).headers
        answer = await api.get("/nests", headers={**bearer(KEY), "Origin": PAGE})
        assert "access-control-allow-origin" not in answer.headers


async def test_a_named_origin_may_call_and_sees_also_why_it_was_refused(serve: Serve) -> None:
    async with serve(api_keys=KEY, cors_origins=f"{PAGE}, http://localhost:5173") as api:
        allowed = await preflight(api, PAGE)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == PAGE
        assert "access-control-allow-credentials" not in allowed.headers
        assert "access-control-allow-origin" not in (await preflight(api, "https://evil.example")).headers
        for key, status in [(KEY, 200), ("wrong", 401)]:
            answer = await api.get("/nests", headers={**bearer(key), "Origin": PAGE})
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == PAGE
            assert "Retry-After" in answer.headers["access-control-expose-headers"]


async def test_without_a_key_to_show_a_page_from_elsewhere_changes_nothing(serve: Serve) -> None:
    async with serve(cors_origins=PAGE) as api:

        async def post(site: str, origin: str) -> int:
            return (await api.post("/nests", headers={"Sec-Fetch-Site": site, "Origin": origin})).status_code

        assert await post("same-origin", "http://test") == 200
        assert await post("cross-site", PAGE) == 200
        assert await post("cross-site", "https://evil.example") == 403
        assert await post("same-site", "http://test:9999") == 403
        assert (await api.post("/nests")).status_code == 200
    async with serve(api_keys=KEY) as api:
        headers = {**bearer(KEY), "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
        assert (await api.post("/nests", headers=headers)).status_code == 200


async def test_a_log_line_names_the_key_and_never_is_it(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    async with serve(api_keys=KEY, log_level="DEBUG", log_json=True) as api:
        await api.get("/nests", headers={**bearer(KEY), "X-Request-ID": "walk"})
        await api.get("/healthz")
    logged = capsys.readouterr().err
    lines = [line for line in map(json.loads, logged.splitlines()) if line["event"] == "request"]
    assert [(line["path"], line["request_id"] == "walk", line.get("key")) for line in lines] == [
        ("/nests", True, "setting-1"),
        ("/healthz", False, None),
    ]
    assert KEY not in logged
    assert "key" not in structlog.contextvars.get_contextvars()


async def test_invented_methods_make_no_series_of_their_own(serve: Serve) -> None:
    async with serve() as api:
        for number in range(3):
            await api.request(f"BIRD{number}", "/nests")
        metrics = (await api.get("/metrics")).text
    assert "BIRD" not in metrics
    assert 'method="other"' in metrics
