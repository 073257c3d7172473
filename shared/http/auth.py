"""What a route asks of who calls it: `needs(...)` names the scopes, and any one of them is enough.

Reading and using are told apart by what they touch, not by method: `classify` is for those who only want answers,
`ingest` fills and corrects the library, `train` makes datasets and models from it, `admin` may do all that and what
concerns everybody (keys, the active model, storage). The library is read with `ingest` or `train`.
"""

from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import Depends, Request, params
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from shared.errors import Forbidden, RateLimited, Unauthorized
from shared.http.callers import ANONYMOUS, Caller, KeyRing
from shared.http.exposure import may_be_anonymous
from shared.http.headers import headers_of
from shared.http.limits import Limiter
from shared.http.resources import get_resources
from shared.keys import Scope
from shared.network import neighbourhood

CALLER = "chiffchaff.caller"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_PAGES = frozenset({"", "none", "same-origin"})
"""What `Sec-Fetch-Site` says of our own page, of an address that a person typed, and of what is no browser."""

_bearer = HTTPBearer(auto_error=False, scheme_name="Bearer", description="An API key, where one is asked for")
_header = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="The same, for clients that cannot set Authorization"
)

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
KeyHeader = Annotated[str | None, Depends(_header)]


@dataclass(frozen=True)
class Needs:
    """A dependency: the caller, who has one of these scopes.

    Raises:
        Unauthorized: without a key that is known, where one is asked for.
        Forbidden: with a key that may not do this.
        RateLimited: after too many requests.
    """

    scopes: frozenset[str]

    async def __call__(self, request: Request, bearer: Bearer, header: KeyHeader) -> Caller:
        caller: Caller | None = request.scope.get(CALLER)
        if caller is None:
            caller = await _admitted(request, bearer.credentials if bearer else header or "")
            request.scope[CALLER] = caller
        require(request, caller, self.scopes)
        return caller


def needs(*scopes: Scope) -> params.Depends:
    """Of a router, or narrower of one of its routes: then both hold."""
    dependency: params.Depends = Depends(Needs(frozenset(scopes)))
    return dependency


async def _caller(request: Request) -> Caller:
    caller: Caller = request.scope[CALLER]
    return caller


Calling = Annotated[Caller, Depends(_caller)]
"""Who calls a route that declares what it `needs`."""


def require(request: Request, caller: Caller, scopes: frozenset[str]) -> None:
    """Raises Forbidden where the caller has none of these scopes."""
    if caller.may(scopes):
        return
    wanted = sorted(scopes)
    headers_of(request.scope)["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{" ".join(wanted)}"'
    raise Forbidden(
        f"The key {caller.name} has the scope {', '.join(sorted(caller.scopes))}; this asks for {' or '.join(wanted)}.",
        hint=f"Use a key with that scope: `chiffchaff keys create NAME --scope {wanted[0]}`, by who has an admin key.",
    )


async def _admitted(request: Request, offered: str) -> Caller:
    """Every request that arrives here costs a token: of its key, or of its address."""
    caller = await _recognised(request, offered)
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
