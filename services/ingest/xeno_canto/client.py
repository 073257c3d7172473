"""Talking to Xeno-canto: in turn, with patience, and only to whom one may."""

import math
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

import httpx

from services.ingest.xeno_canto import throttle
from services.ingest.xeno_canto.errors import AddressRefused, Trouble, XenoCantoUnavailable
from services.ingest.xeno_canto.guard import Guard, GuardedTransport
from shared.db.base import now
from shared.worker import JobContext, Postponed

NAME = "Xeno-canto"
USER_AGENT = "Chiffchaff/0.1 (self-hosted bird-song classifier)"
CONNECT_SECONDS = 10.0
SILENT_SECONDS = 20.0
MAX_REDIRECTS = 3
TRIES = 5
BACKOFF_CAP_SECONDS = 60.0
WAITS_AT_MOST_SECONDS = 120.0
"""Whom it is asked to wait for longer, gives the worker free meanwhile."""
REPEATABLE = frozenset({408, 425, 429})

Result = TypeVar("Result")


class Client:
    """A connection for the length of one job. The key goes nowhere but into searches."""

    def __init__(self, context: JobContext) -> None:
        self.context = context
        self.settings = context.settings
        self.doing = ""
        """What a person is told while it waits."""
        self.guard = Guard(self.settings.xeno_canto_url)
        self._interval = self.settings.xeno_canto_interval_seconds
        self._http = httpx.Client(
            transport=GuardedTransport(self.guard),
            timeout=httpx.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS),
            headers={"User-Agent": USER_AGENT},
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @contextmanager
    def get(
        self,
        address: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        same_host: bool = False,
    ) -> Iterator[httpx.Response]:
        """The answer after all redirects, its body still unread.

        Args:
            same_host: what is sent holds a secret, which no other host may get.

        Raises:
            Trouble: when it may be better soon.
            AddressRefused: when the address or one that it leads to is not to be asked.
        """
        with _troubles():
            request = self._http.build_request("GET", address, params=params, headers=headers)
            for _ in range(MAX_REDIRECTS + 1):
                self._take_turn()
                response = self._http.send(request, stream=True)
                if not response.has_redirect_location:
                    break
                response.close()
                request = self._redirected(response, headers, same_host)
            else:
                raise AddressRefused(f"The address leads on and on, more than {MAX_REDIRECTS} times.")
            try:
                if response.status_code in REPEATABLE or response.status_code >= 500:
                    raise Trouble(f"answered {response.status_code}", seconds=_asked_to_wait(response))
                yield response
            finally:
                response.close()

    def persist(self, work: Callable[[], Result]) -> Result:
        """Does the work, again and ever later while it meets Trouble.

        Raises:
            XenoCantoUnavailable: after the last try.
            Postponed: when Xeno-canto asks for a long wait.
        """
        failures = 0
        while True:
            try:
                return work()
            except Trouble as trouble:
                failures = 1 if trouble.progressed else failures + 1
                if failures >= TRIES:
                    raise XenoCantoUnavailable(
                        f"{NAME} {trouble.reason}, {TRIES} times in a row.",
                        hint="It is tried again later, from where it was.",
                    ) from trouble
                self._wait(trouble, failures)

    def absolute(self, address: str) -> str:
        """A protocol-relative address with the protocol that it can only mean."""
        if not address.startswith("//"):
            return address
        base = urlsplit(self.settings.xeno_canto_url)
        return f"{base.scheme if urlsplit(address).netloc == base.netloc else 'https'}:{address}"

    def _take_turn(self) -> None:
        self.context.check()
        if (wait := throttle.reserve(self.context.sessions, NAME, self._interval)) > 0:
            self.context.wait(wait, self.doing)

    def _wait(self, trouble: Trouble, failures: int) -> None:
        message = f"{self.doing}: waits, since {NAME} {trouble.reason}."
        step = min(BACKOFF_CAP_SECONDS, 2 * self._interval * 2.0 ** (failures - 1))
        own = step * random.uniform(0.5, 1.0)  # noqa: S311 (jitter, not a secret)
        seconds = own if trouble.seconds is None else min(trouble.seconds, throttle.LONGEST_HOLD_SECONDS)
        throttle.hold(self.context.sessions, NAME, seconds)
        if seconds > WAITS_AT_MOST_SECONDS:
            raise Postponed(message, seconds=seconds)
        self.context.wait(seconds, message)

    def _redirected(
        self, response: httpx.Response, headers: Mapping[str, str] | None, same_host: bool
    ) -> httpx.Request:
        target = response.url.join(response.headers["location"])
        if same_host and not self.guard.is_base(target):
            raise AddressRefused(
                f"The search leads to {target.host}, which must not get the key.",
                hint="Is CHIFFCHAFF_XENO_CANTO_URL right?",
            )
        return self._http.build_request("GET", target, headers=headers)


@contextmanager
def _troubles() -> Iterator[None]:
    """Failures of the connection, without the address: it may hold the key."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise Trouble("did not answer in time") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise AddressRefused("The address, or one that it leads to, is none that can be asked.") from error
    except httpx.TransportError as error:
        raise Trouble(f"could not be reached or broke off ({type(error).__name__})") from error
    except httpx.DecodingError as error:
        raise Trouble(f"sent what cannot be read ({type(error).__name__})") from error


def _asked_to_wait(response: httpx.Response) -> float | None:
    """`Retry-After`, in seconds or as a date."""
    asked = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(asked) if asked[:1].isdigit() else (_date(asked) - now()).total_seconds()
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _date(text: str) -> datetime:
    """Raises ValueError for what is none."""
    found = parsedate_to_datetime(text)
    return found if found.tzinfo else found.replace(tzinfo=now().tzinfo)
