"""A service that other machines reach without any key does not start.

`python -m shared.http.exposure` looks before the containers start; each API looks for itself as well.
"""

import sys

from fastapi import Request
from sqlalchemy import Engine

from shared.db.access import was_a_key_given_out
from shared.db.engine import sync_engine
from shared.errors import ChiffchaffError
from shared.http.callers import KeyRing
from shared.http.problems import UNREACHABLE
from shared.log import configure_logging, get_logger
from shared.network import is_loopback
from shared.settings import Settings

logger = get_logger(__name__)


class Exposed(ChiffchaffError):
    code = "exposed"
    title = "That would be open to everybody"


def may_be_anonymous(settings: Settings, request: Request) -> bool:
    """May a request without a key pass, as long as there is none? Not where other machines get through to us.

    Whatever the settings say, the address at which the request arrived may say that they do.
    """
    if settings.allow_anonymous:
        return True
    if settings.listens_beyond_loopback:
        return False
    if settings.published_host:  # then it arrived by the proxy, in a network that is none of others' business
        return True
    arrived_at = (request.scope.get("server") or ("", None))[0]
    return not _is_address(arrived_at) or is_loopback(arrived_at)


def refuse_if_exposed(settings: Settings, *, has_key: bool) -> None:
    """Raises Exposed."""
    if not settings.listens_beyond_loopback or settings.allow_anonymous or has_key:
        return
    raise Exposed(
        f"Other machines can reach this service at {settings.reached_from}, and no API key protects it.",
        hint="Set CHIFFCHAFF_API_KEYS; or make a key while CHIFFCHAFF_HOST is 127.0.0.1: `chiffchaff keys create NAME "
        "--scope admin`. If something in front decides who may come in, set CHIFFCHAFF_ALLOW_ANONYMOUS=true.",
    )


async def refuse_to_start_exposed(settings: Settings, keys: KeyRing) -> None:
    """Raises Exposed. Where the database does not answer yet, requests are refused until it does."""
    if not settings.listens_beyond_loopback or settings.allow_anonymous:
        return
    try:
        has_key = await keys.asks()
    except UNREACHABLE:
        logger.warning("the database does not answer: nobody gets in without a key until it does")
        return
    refuse_if_exposed(settings, has_key=has_key)


def check_before_start(settings: Settings, engine: Engine) -> None:
    """The same for those who start services. Raises Exposed."""
    with engine.execution_options(reads_only=True).connect() as connection:
        refuse_if_exposed(settings, has_key=bool(settings.configured_keys) or was_a_key_given_out(connection))


def _is_address(host: str) -> bool:
    return host.replace(".", "").isdigit() or ":" in host


def main() -> None:
    settings = Settings()
    configure_logging(settings)
    engine = sync_engine(settings)
    try:
        check_before_start(settings, engine)
    except Exposed as error:
        sys.exit(str(error))
    finally:
        engine.dispose()


if __name__ == "__main__":
    main()
