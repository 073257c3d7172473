"""Every route of every service says who may call it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from services.inference.api import API as INFERENCE
from services.ingest.api import API as INGEST
from services.trainer.api import API as TRAINER
from shared.http import health
from shared.http.app import Api
from shared.http.auth import Needs
from shared.keys import SCOPES, Scope
from shared.settings import Settings
from tests.support.serving import asking, furnished

APIS = (INGEST, TRAINER, INFERENCE)
OPEN = {
    f"{method} {path}"
    for method in ("GET", "HEAD")
    for path in ("/", "/page/{view}", "/page/{view}/{rest:path}", "/static/{path:path}")
}
HEALTH = {"/healthz", "/readyz", "/metrics"}
ADMINS = {
    "PUT /models/active",
    "POST /storage/verifications",
    "POST /storage/prunings",
    "POST /keys",
    "GET /keys",
    "DELETE /keys/{key_id}",
}


def declared(dependant: Dependant) -> Iterator[frozenset[str]]:
    for one in dependant.dependencies:
        if isinstance(one.call, Needs):
            yield one.call.scopes
        yield from declared(one)


def routes(*apis: Api) -> dict[str, list[frozenset[str]]]:
    """What each route of these (all, if none is named) asks for, one after the other."""
    return {
        f"{method} {route.path}": list(declared(route.dependant))
        for api in apis or APIS
        for router in api.routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }


def open_to(scope: Scope) -> set[str]:
    return {
        name
        for name, asked in routes().items()
        if asked and all(scope in scopes or scope == "admin" for scopes in asked)
    }


def test_no_route_but_the_page_is_without_a_scope() -> None:
    assert {name for name, asked in routes().items() if not asked} == OPEN
    assert all(isinstance(route, APIRoute) for api in APIS for router in api.routers for route in router.routes)
    assert {getattr(route, "path", "") for route in health.router.routes} == HEALTH
    assert all(scopes <= set(SCOPES) for asked in routes().values() for scopes in asked)


def test_who_may_only_classify_reads_models_and_nothing_of_the_library() -> None:
    assert "POST /classify" in open_to("classify")
    assert {"GET /models", "GET /models/{name}/{version}/{file}"} <= open_to("classify")
    assert open_to("classify").isdisjoint({*routes(INGEST), *routes(TRAINER), "PUT /models/active"})


def test_only_an_admin_may_do_what_concerns_everybody() -> None:
    assert open_to("admin") == set(routes()) - OPEN
    assert set(routes()) - OPEN - open_to("classify") - open_to("ingest") - open_to("train") == ADMINS


def test_who_trains_may_read_the_library_and_change_nothing_in_it() -> None:
    assert {name for name in open_to("train") & open_to("ingest") if not name.startswith("GET ")} == {
        # The kind of the job decides; see tests/services/ingest/test_jobs_api.py.
        "DELETE /jobs/{job_id}",
        "POST /jobs/{job_id}/retry",
        "POST /jobs/retry",
        # So does the source; and who made the analysis. See tests/services/inference/analyses/test_limits.py.
        "POST /analyses",
        "DELETE /analyses/{analysis_id}",
    }
    assert "GET /recordings/{recording_id}/audio" in open_to("train")
    assert "POST /recordings" not in open_to("train")
    # What people say of a passage trains models, and reaches the library by a job.
    reviewing = {name for name in routes(INFERENCE) if " /reviews" in name}
    assert len(reviewing) == 7
    assert reviewing <= open_to("train") - open_to("ingest") - open_to("classify")


@pytest.fixture
async def stranger(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Someone without a key at all three services on one port."""
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "models_dir": tmp_path, "api_keys": "a-key-that-is-long-enough"}
    )
    async with asking(furnished(settings), *APIS) as made:
        yield made


async def test_a_stranger_gets_nowhere_and_is_told_what_to_do(stranger: httpx.AsyncClient) -> None:
    paths = (await stranger.get("/openapi.json")).json()["paths"]
    asked = [(method.upper(), path) for path, methods in paths.items() for method in methods if path not in HEALTH]
    assert len(asked) > 30
    for method, path in asked:
        answer = await stranger.request(method, path.replace("{", "").replace("}", ""))
        assert answer.status_code == 401, (method, path)
        assert answer.json()["code"] == "unauthorized"
        assert "Bearer KEY" in answer.json()["hint"]
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/trainings", b"{ this is no JSON"),
        ("POST", "/keys", bytes(2 << 20)),
        ("GET", "/no/such/path", b""),
        ("GET", "/static", b""),
        ("GET", "/healthz/", b""),
        ("BIRD", "/recordings", b""),
    ],
)
async def test_a_stranger_learns_nothing_by_asking_oddly(
    stranger: httpx.AsyncClient, method: str, path: str, body: bytes
) -> None:
    answer = await stranger.request(method, path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


async def test_the_description_says_that_a_key_is_sent_as_bearer(stranger: httpx.AsyncClient) -> None:
    described = (await stranger.get("/openapi.json")).json()
    assert described["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"
    assert {"Bearer": []} in described["paths"]["/classify"]["post"]["security"]
