"""What every API has, on a small application of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, Request
from pydantic import BaseModel, field_validator

from shared.errors import NotFound, Overloaded
from shared.http.app import Api
from shared.http.auth import needs
from shared.settings import Settings
from tests.support.serving import asking, furnished

router = APIRouter(dependencies=[needs("classify")])
KEY = "a-key-that-is-long-enough"


class Nest(BaseModel):
    eggs: int

    @field_validator("eggs")
    @classmethod
    def _fits(cls, eggs: int) -> int:
        if eggs > 20:
            raise ValueError("no nest holds so many")
        return eggs


@router.post("/nests")
async def count(nest: Nest) -> Nest:
    return nest


@router.post("/uploads")
async def upload(request: Request) -> int:
    return sum([len(piece) async for piece in request.stream()])


@router.get("/missing")
async def missing() -> None:
    raise NotFound("There is no such nest.", hint="Look in the hedge.")


@router.get("/busy")
async def busy() -> None:
    raise Overloaded("Too many birds at once.")


@router.get("/broken")
async def broken() -> None:
    raise RuntimeError("the password is sesame")


@pytest.fixture
async def client(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    values = {"data_dir": tmp_path, "max_upload_mb": 2, **getattr(request, "param", {})}
    settings = furnished(Settings.model_validate(values))
    async with asking(settings, Api(name="test", routers=[router], uploads=["/uploads"])) as made:
        yield made


async def test_an_error_is_a_problem_document_with_a_hint_and_the_request_id(client: httpx.AsyncClient) -> None:
    response = await client.get("/missing", headers={"X-Request-ID": "walk-in-the-park"})
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == "walk-in-the-park"
    assert response.json() == {
        "type": "urn:chiffchaff:problem:not-found",
        "title": "There is no such thing here",
        "status": 404,
        "detail": "There is no such nest.",
        "code": "not-found",
        "hint": "Look in the hedge.",
        "request_id": "walk-in-the-park",
    }


async def test_a_hostile_request_id_is_replaced(client: httpx.AsyncClient) -> None:
    response = await client.get("/healthz", headers={"X-Request-ID": "x" * 500})
    assert len(response.headers["x-request-id"]) == 32


async def test_an_unexpected_error_tells_nothing_of_the_inside(client: httpx.AsyncClient) -> None:
    response = await client.get("/broken")
    assert response.status_code == 500
    assert "sesame" not in response.text
    assert response.json()["request_id"] == response.headers["x-request-id"]


async def test_what_does_not_fit_is_named_field_by_field(client: httpx.AsyncClient) -> None:
    response = await client.post("/nests", json={"eggs": "many"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["where"] == "eggs"
    assert (await client.post("/nests", json={"eggs": 21})).json()["detail"] == "eggs: no nest holds so many."


async def test_overload_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    response = await client.get("/busy")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0


async def test_bodies_are_limited_by_declared_length_and_by_what_arrives(client: httpx.AsyncClient) -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield bytes(1 << 20)

    declared = await client.post("/nests", content=bytes((1 << 20) + 1))
    assert (declared.status_code, declared.json()["code"]) == (413, "body-too-large")
    streamed = await client.post("/nests", content=pieces(3), headers={"content-type": "application/json"})
    assert (streamed.status_code, streamed.json()["code"]) == (413, "body-too-large")
    assert (await client.post("/uploads", content=pieces(2))).json() == 2 << 20
    assert (await client.post("/uploads", content=pieces(3))).status_code == 413


async def test_it_is_ready_and_counts_its_requests_by_route(client: httpx.AsyncClient) -> None:
    ready = await client.get("/readyz")
    assert ready.json()["ready"], ready.text
    assert set(ready.json()["checks"]) == {"database", "broker", "storage"}
    await client.get("/missing")
    metrics = (await client.get("/metrics")).text
    assert 'chiffchaff_requests_total{method="GET",route="/missing",status="404"} 1.0' in metrics


@pytest.mark.parametrize("client", [{"api_keys": f"{KEY},another-long-enough-key"}], indirect=True)
async def test_where_keys_are_set_they_are_asked_for(client: httpx.AsyncClient) -> None:
    assert (await client.get("/missing")).status_code == 401
    assert (await client.get("/missing", headers={"Authorization": "Bearer no-such-key-at-all"})).status_code == 401
    assert (await client.get("/missing", headers={"Authorization": f"Bearer {KEY}"})).status_code == 404
    assert (await client.get("/missing", headers={"X-API-Key": KEY})).status_code == 404
    assert (await client.get("/healthz")).status_code == 200
