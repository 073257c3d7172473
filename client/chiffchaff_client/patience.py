"""When asking once more helps, and after how long.

What was refused for coming too often (429) did nothing and may always be sent again. A lost connection and a server
that is starting or has too much to do leave open whether the work was accepted: only what does no more when it is sent
twice is sent again then. After a time-out nothing is: who is slow already is not helped by being asked twice.
"""

import random
from email.utils import parsedate_to_datetime
from time import time

import httpx

from chiffchaff_client.errors import AnswerError, ChiffchaffError, NoAnswer, UnexpectedAnswer

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
SPREAD = 0.25
"""Pauses are longer by up to this share, so that those who were refused together do not come back together."""


def pause_after(error: ChiffchaffError, tries: int, *, repeatable: bool) -> float | None:
    """Seconds to wait after so many tries in vain; None where another would not help, or would do harm."""
    named = error.retry_after if isinstance(error, AnswerError) else None
    if not (_refused_at_the_door(error) or (repeatable and _may_pass(error))):
        return None
    pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (tries - 1)) if named is None else named
    return pause * (1 + SPREAD * random.random())  # noqa: S311 (no secret)


def _refused_at_the_door(error: ChiffchaffError) -> bool:
    return isinstance(error, AnswerError) and error.status == httpx.codes.TOO_MANY_REQUESTS


def _may_pass(error: ChiffchaffError) -> bool:
    if isinstance(error, NoAnswer):
        return error.may_pass
    if not isinstance(error, AnswerError):
        return False
    # Chiffchaff itself names a time where its own 503 will pass.
    passing = error.retry_after is not None or isinstance(error, UnexpectedAnswer)
    return error.status == httpx.codes.BAD_GATEWAY or (error.status == httpx.codes.SERVICE_UNAVAILABLE and passing)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds, of either form that RFC 9110 allows; None where there is none that can be read."""
    given = response.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(given)
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - time())
    except ValueError:
        return None
