"""API keys: asked for only where the operator set some."""

import hmac
from typing import Annotated

from fastapi import Depends, Header

from shared.errors import Unauthorized
from shared.http.resources import Config


async def require_key(
    settings: Config,
    authorization: Annotated[str, Header(description="`Bearer KEY`, where the operator set keys")] = "",
    x_api_key: Annotated[str, Header(description="The same key, for clients that cannot set Authorization")] = "",
) -> None:
    """Lets a request pass when it carries one of `CHIFFCHAFF_API_KEYS`, or when there are none."""
    accepted = settings.accepted_api_keys
    if not accepted:
        return
    scheme, _, token = authorization.partition(" ")
    offered = token.strip() if scheme.lower() == "bearer" else x_api_key
    if not any(hmac.compare_digest(offered.encode(), key.encode()) for key in accepted):
        raise Unauthorized(
            "This service asks for an API key, and the request carries none that it knows.",
            hint="Send `Authorization: Bearer KEY` with a key from CHIFFCHAFF_API_KEYS.",
        )


KeyRequired = Depends(require_key)
