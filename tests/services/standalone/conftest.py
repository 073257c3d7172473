"""A trainer API for the command line to talk to."""

from collections.abc import Iterator

import pytest

from services.trainer.api import API
from shared.db.engine import SyncSessions
from shared.settings import Settings
from tests.services.trainer.test_freeze import add, pairs
from tests.support.serving import furnished, serving


@pytest.fixture
def server(database_settings: Settings, sessions: SyncSessions) -> Iterator[str]:
    """Its library holds six recordings of each of two species."""
    add(sessions, *pairs(range(6)))
    with serving(furnished(database_settings), API) as address:
        yield address
