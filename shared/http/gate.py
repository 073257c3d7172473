"""The gate before every route: whose key it is, and how often it has asked.

It stands before the body is read, so a stranger makes nothing be parsed; and what no list opens is shut, also where no
route is. What a caller may do is the routes' own affair; see `auth`.
"""

from collections.abc import Iterable

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import ChiffchaffError, Forbidden, RateLimited, Unauthorized
from shared.http.callers import ANONYMOUS, Caller, KeyRing
from shared.http.exposure import may_be_anonymous
from shared.http.headers import headers_of
from shared.http.limits import Limiter
from shared.http.problems import UNREACHABLE, problem_response, unreachable_response
from shared.http.resources import get_resources
from shared.network import neighbourhood

CALLER = "chiffchaff.caller"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_PAGES = frozenset({"", "none", "same-origin"})
"""What `Sec-Fetch-Site` says of our own page, of an address that a person typed, and of what is no browser."""


class Gate:
    """Lets a request through with its caller in the scope, or answers it.

    Args:
        open_paths: those that need no key; one that ends in `*` stands for all that begin so.
    """

    def __init__(self, app: ASGIApp, open_paths: Iterable[str]) -> None:
        self.app = app
        self._open = frozenset(path for path in open_paths if not path.endswith("*"))
        self._open_below = tuple(path.removesuffix("*") for path in open_paths if path.endswith("*"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_open(scope["path"]):
            try:
                scope[CALLER] = await admitted(Request(scope))
            except ChiffchaffError as error:
                await problem_response(error)(scope, receive, send)
                return
            except UNREACHABLE as error:
                await unreachable_response(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return path in self._open or path.startswith(self._open_below)


async def admitted(request: Request) -> Caller:
    """Who asks; this costs a token of the key, or of the address that has none.

    Raises:
        Unauthorized: without a key that is known, where one is asked for.
        RateLimited: after too many requests.
        Forbidden: when a page from elsewhere asks for a change, in the name of somebody who needs no key.
    """
    caller = await _recognised(request, _offered(request))
    await _take_token(request, caller)
    if caller is None:
        headers_of(request.scope)["WWW-Authenticate"] = "Bearer"
        raise Unauthorized(
            "This service asks for an API key, and the request carries none that is known, or one that has expired.",
            hint="Send `Authorization: Bearer KEY`. The command line takes the key from CHIFFCHAFF_API_KEY or --key; "
            "who runs the service makes one by `chiffchaff keys create NAME --scope classify`.",
        )
    structlog.contextvars.bind_contextvars(key=caller.id)
    if caller is ANONYMOUS:
        _refuse_other_pages(request)
    return caller


def _offered(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")


async def _recognised(request: Request, offered: str) -> Caller | None:
    keys: KeyRing = request.app.state.keys
    if offered and (caller := await keys.caller(offered)):
        return caller
    if await keys.asks() or not may_be_anonymous(get_resources(request).settings, request):
        return None
    return ANONYMOUS


async def _take_token(request: Request, caller: Caller | None) -> None:
    limiter: Limiter = request.app.state.limiter
    address = neighbourhood(request.client.host) if request.client else "unknown"
    has_key = caller is not None and caller is not ANONYMOUS
    standing = await limiter.take(f"key:{caller.id}" if caller and has_key else f"address:{address}")
    if standing is None:
        return
    headers_of(request.scope).update(standing.headers())
    if not standing.allowed:
        raise RateLimited(
            f"More than {standing.rate.per_minute} requests a minute came with this key."
            if has_key
            else f"More than {standing.rate.per_minute} requests a minute came from this address.",
            hint=f"Try again in {standing.retry_after} s. Who runs the service sets the limit: "
            "CHIFFCHAFF_RATE_PER_MINUTE, CHIFFCHAFF_RATE_BURST.",
        )


def _refuse_other_pages(request: Request) -> None:
    """Without a key to show, a page from elsewhere in the same browser must not change anything here."""
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    if request.method in SAFE_METHODS or site in OWN_PAGES:
        return
    if origin not in get_resources(request).settings.allowed_origins:
        raise Forbidden(
            "A page from elsewhere tried to change something here.",
            hint="Use this service's own page, or name the other's origin in CHIFFCHAFF_CORS_ORIGINS.",
        )
