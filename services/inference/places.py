"""What the service knows of places and seasons: kept in memory, and read anew when the library changed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from services.inference.background import beside
from services.inference.expectations import Expectations
from services.inference.visits import Fingerprint, fingerprint, read_counts
from shared.db.base import now
from shared.db.engine import snapshot
from shared.log import get_logger
from shared.settings import Settings

logger = get_logger(__name__)

CHECK_SECONDS = 300.0
READ_SECONDS = 6 * 3600.0
"""At the latest everything is read anew, for the corrections that a fingerprint does not show."""
REST = 20.0
"""A reading is followed by a rest so many times as long: a large library that grows takes a twentieth of a core."""


class Places:
    """The expectations of the library as it was a few minutes ago."""

    def __init__(self, settings: Settings) -> None:
        self.expectations = Expectations.empty()
        """Never changed, only replaced: who holds one may go on asking it."""
        self.learned_at: datetime | None = None
        """When the library was read; None before the first time."""
        self._settings = settings
        self._fingerprint: Fingerprint | None = None
        self._read_at = 0.0

    async def refresh(self) -> bool:
        """Reads the library, in a thread, if it may have changed since the last time; whether it did."""
        stale = time.monotonic() - self._read_at > READ_SECONDS
        found = await asyncio.to_thread(read_expectations, self._settings, None if stale else self._fingerprint)
        if found is None:
            return False
        self.expectations, self._fingerprint = found
        self.learned_at, self._read_at = now(), time.monotonic()
        logger.info("places and seasons learned", species=len(self.expectations.index), visits=self.expectations.visits)
        return True

    async def follow(self, seconds: float = CHECK_SECONDS) -> None:
        """Refreshes for as long as the service runs; a database that is away delays it."""
        said = ""
        while True:
            begin = time.monotonic()
            try:
                await self.refresh()
                said = ""
            except Exception as error:
                if said != str(error):
                    said = str(error)
                    logger.error("places and seasons could not be learned", exc_info=error)
            await asyncio.sleep(max(seconds, REST * (time.monotonic() - begin)))


def read_expectations(settings: Settings, known: Fingerprint | None) -> tuple[Expectations, Fingerprint] | None:
    """Those of the library as it is at one moment, unless it has the fingerprint that is known."""
    with snapshot(settings) as session:
        found = fingerprint(session)
        return None if found == known else (Expectations(read_counts(session)), found)


@asynccontextmanager
async def open_places(settings: Settings) -> AsyncIterator[Places]:
    """Places, learned in the background."""
    places = Places(settings)
    async with beside(places.follow()):
        yield places
