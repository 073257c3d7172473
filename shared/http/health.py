"""`/healthz`: the process answers. `/readyz`: so does everything it needs. `/metrics`: Prometheus."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.asyncio import Redis
from sqlalchemy import text

from shared import folder_transport
from shared.db.migrate import current_revision, head_revision
from shared.errors import NotReady
from shared.http.resources import Resources, get_resources

CHECK_SECONDS = 1.0
Check = Callable[[Request], Awaitable[str]]
"""Returns a few words about a dependency that is well; raises when it is not."""

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz", summary="Can it do its work? Each dependency by name")
async def readyz(request: Request) -> JSONResponse:
    checks: Mapping[str, Check] = request.app.state.checks
    outcomes = await asyncio.gather(*(_run(check, request) for check in checks.values()))
    well = all(ok for ok, _ in outcomes)
    report = {name: {"ok": ok, "detail": detail} for name, (ok, detail) in zip(checks, outcomes, strict=True)}
    return JSONResponse({"ready": well, "checks": report}, 200 if well else 503)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)


async def _run(check: Check, request: Request) -> tuple[bool, str]:
    try:
        return True, await asyncio.wait_for(check(request), CHECK_SECONDS)
    except TimeoutError:
        return False, f"no answer within {CHECK_SECONDS:g} s"
    except Exception as error:
        return False, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


async def check_database(request: Request) -> str:
    async with get_resources(request).engine.execution_options(reads_only=True).connect() as connection:
        await connection.execute(text("SELECT 1"))
        revision = await connection.run_sync(current_revision)
    if revision != head_revision():
        raise NotReady(f"The schema is at {revision}, the software at {head_revision()}: run the migration.")
    return f"schema {revision}"


async def check_broker(request: Request) -> str:
    resources: Resources = get_resources(request)
    url = resources.settings.resolved_broker_url
    if url.startswith(f"{folder_transport.SCHEME}:"):
        if not (resources.settings.broker_dir / "messages").is_dir():
            raise NotReady("The message folder is missing.")
        return "file system"
    async with Redis.from_url(url) as redis:
        await redis.ping()
    return "redis"


async def check_storage(request: Request) -> str:
    return await asyncio.to_thread(get_resources(request).storage.check)
