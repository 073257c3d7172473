"""Pure ASGI layers around every API: request ids and metrics, limits on the body, security headers."""

import asyncio
import re
import time
import uuid
from collections.abc import Mapping
from urllib.parse import parse_qsl

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import BodyTooLarge, BodyTooSlow, InvalidInput, NotFound
from shared.http.headers import SECURITY_HEADERS, headers_of
from shared.http.problems import problem_response
from shared.log import get_logger
from shared.settings import Settings

logger = get_logger(__name__)

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
JSON_BODY_BYTES = 1 << 20
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestContext:
    """Gives each request an id (the client's own where it is sane), a log line and its metrics."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        self.requests = Counter(
            "chiffchaff_requests", "Requests by route template", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "chiffchaff_request_seconds", "Seconds until the answer is sent", ["method", "route"], registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        offered = Headers(scope=scope).get("x-request-id", "")
        request_id = offered if REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
        scope["chiffchaff.request_id"] = request_id
        own = headers_of(scope)
        status = 500
        started = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers.update(own)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_headers)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                elapsed = time.perf_counter() - started
                # A client may invent methods; each would be a series of its own.
                method = scope["method"] if scope["method"] in METHODS else "other"
                self.requests.labels(method, route, status).inc()
                self.seconds.labels(method, route).observe(elapsed)
                logger.debug("request", method=scope["method"], path=scope["path"], status=status, seconds=elapsed)
                structlog.contextvars.unbind_contextvars("key")


class NoZeroBytes:
    """Refuses an address that holds a zero byte: nothing here has such a name, and PostgreSQL takes none in a text."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "\0" in scope["path"]:
            missing = NotFound("Nothing here has a zero byte in its name.", hint="Leave out %00.")
            await problem_response(missing)(scope, receive, send)
        elif scope["type"] == "http" and b"%00" in scope["query_string"]:
            pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            names = (name.replace("\0", "") for name, value in pairs if "\0" in name + value)
            error = InvalidInput(f"query.{next(names, '')}: holds a zero byte.", hint="Leave out %00.")
            await problem_response(error)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class BodyLimit:
    """Refuses a body that is too large: at once by its declared length, else while its bytes arrive."""

    def __init__(self, app: ASGIApp, uploads: Mapping[str, int]) -> None:
        self.app = app
        self.uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.uploads.get(scope["path"].rstrip("/"), JSON_BODY_BYTES)
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            response = problem_response(_too_large(limit))
            await response(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _too_large(limit)
            return message

        await self.app(scope, counted, send)


class BodyPace:
    """Refuses a body that comes too slowly: a few hundred such clients would hold what others need.

    Only waiting counts, so that nobody pays for a slow disk; and only until the body is whole.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.grace = settings.body_grace_seconds
        self.rate = settings.body_least_rate
        self.most = settings.body_max_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        waited, seen, whole = 0.0, 0, False

        async def paced() -> Message:
            nonlocal waited, seen, whole
            if whole:
                return await receive()
            began = time.monotonic()
            try:
                async with asyncio.timeout(min(self.grace + seen / self.rate, self.most) - waited):
                    message = await receive()
            except TimeoutError:
                raise _too_slow(seen, self.rate) from None
            waited += time.monotonic() - began
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            return message

        await self.app(scope, paced, send)


def _too_slow(seen: int, rate: int) -> BodyTooSlow:
    return BodyTooSlow(
        f"Of the body, {seen:,} bytes have come, and no more for too long.",
        hint=f"At least {rate:,} bytes a second are needed. Send a shorter or compressed recording.",
    )


def _too_large(limit: int) -> BodyTooLarge:
    size = f"{limit >> 20} MiB"
    return BodyTooLarge(
        f"The body is larger than {size}, the most that is taken here.",
        hint="Send a compressed or shorter recording, or put long ones in a folder and ingest that.",
    )
