"""Headers that every answer carries, unless its route says something else."""

from collections.abc import MutableMapping

from starlette.types import Scope

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""An answer that is opened as a document may show a picture or play a sound (browsers style those), no more."""

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_OWN = "chiffchaff.headers"


def headers_of(scope: Scope) -> MutableMapping[str, str]:
    """What the answer to this request carries besides, whichever answer it becomes."""
    headers: MutableMapping[str, str] = scope.setdefault(_OWN, {})
    return headers
