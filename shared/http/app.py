"""Builds the FastAPI application of one service, or of several on one port."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from shared.http import health
from shared.http.callers import KeyRing
from shared.http.exposure import refuse_to_start_exposed
from shared.http.gate import Gate
from shared.http.limits import open_limiter
from shared.http.middleware import BodyLimit, BodyPace, NoZeroBytes, RequestContext
from shared.http.openapi import describe_problems, problem_responses
from shared.http.problems import Problem, install_problem_handlers
from shared.http.resources import open_resources
from shared.log import configure_logging
from shared.settings import Settings

OPEN_PATHS = ("/healthz", "/readyz", "/metrics", "/openapi.json")
READ_HEADERS = ["Authorization", "X-API-Key", "Content-Type", "Idempotency-Key", "Last-Event-ID", "X-Request-ID"]
SHOWN_HEADERS = ["Location", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-ID"]
"""What a page from an allowed origin may send, and see."""


def _nothing(_app: FastAPI) -> AbstractAsyncContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class Api:
    """What one service brings to an application."""

    name: str
    routers: Sequence[APIRouter]
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] = _nothing
    checks: Mapping[str, health.Check] = field(default_factory=dict)
    uploads: Sequence[str] = ()
    """Paths whose body may be as large as `CHIFFCHAFF_MAX_UPLOAD_MB`."""
    uploads_of_many: Sequence[str] = ()
    """Paths whose body may be as large as `CHIFFCHAFF_ANALYSIS_MAX_UPLOAD_MB`."""
    open_paths: Sequence[str] = ()
    """Paths that need no key; one that ends in `*` stands for all that begin so."""


def build_app(settings: Settings, apis: Sequence[Api]) -> FastAPI:
    configure_logging(settings)
    registry = CollectorRegistry()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            resources = await stack.enter_async_context(open_resources(settings))
            app.state.resources = resources
            app.state.limiter = await stack.enter_async_context(open_limiter(settings))
            app.state.keys = KeyRing(settings, resources.reads, resources.writes)
            stack.push_async_callback(app.state.keys.close)
            await refuse_to_start_exposed(settings, app.state.keys)
            for api in apis:
                await stack.enter_async_context(api.lifespan(app))
            yield

    app = FastAPI(
        title="Chiffchaff",
        version="0.1.0",
        summary="Bird-song classification, from recordings to an answer.",
        lifespan=lifespan,
        responses=problem_responses(),
        docs_url=None,
        redoc_url=None,
    )
    app.state.registry = registry
    app.state.checks = {
        "database": health.check_database,
        "broker": health.check_broker,
        "storage": health.check_storage,
        **{name: check for api in apis for name, check in api.checks.items()},
    }
    install_problem_handlers(app)
    describe_problems(app, Problem)
    app.include_router(health.router)
    for api in apis:
        for router in api.routers:
            app.include_router(router)
    uploads = {
        **{path: settings.max_upload_mb << 20 for api in apis for path in api.uploads},
        **{path: settings.analysis_max_upload_mb << 20 for api in apis for path in api.uploads_of_many},
    }
    app.add_middleware(BodyPace, settings=settings)
    app.add_middleware(BodyLimit, uploads=uploads)
    app.add_middleware(Gate, open_paths=[*OPEN_PATHS, *(path for api in apis for path in api.open_paths)])
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=READ_HEADERS,
            expose_headers=SHOWN_HEADERS,
        )
    app.add_middleware(NoZeroBytes)
    app.add_middleware(RequestContext, registry=registry)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies)
    return app
