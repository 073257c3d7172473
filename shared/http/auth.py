"""What a route asks of who calls it: `needs(...)` names the scopes, and any one of them is enough.

Reading and using are told apart by what they touch, not by method: `classify` is for those who only want answers,
`ingest` fills and corrects the library, `train` makes datasets and models from it, `admin` may do all that and what
concerns everybody (keys, the active model, storage). The library is read with `ingest` or `train`.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, params
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from shared.errors import Forbidden
from shared.http.callers import Caller
from shared.http.gate import CALLER, admitted
from shared.http.headers import headers_of
from shared.keys import Scope

BEARER = HTTPBearer(auto_error=False, scheme_name="Bearer", description="An API key, where one is asked for")
KEY_HEADER = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="The same, for clients that cannot set Authorization"
)

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
KeyHeader = Annotated[str | None, Depends(KEY_HEADER)]


@dataclass(frozen=True)
class Needs:
    """A dependency: the caller, who has one of these scopes.

    Raises:
        Forbidden: with a key that may not do this.
    """

    scopes: frozenset[str]

    async def __call__(self, request: Request, _bearer: Bearer, _header: KeyHeader) -> Caller:
        """The two ways to send a key are here for the description; the gate has read them."""
        caller: Caller | None = request.scope.get(CALLER)
        if caller is None:  # on a path that is open
            caller = request.scope[CALLER] = await admitted(request)
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
