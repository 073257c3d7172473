"""One embedded stack for all tests that do it no harm, and recordings to send to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import Stack, running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("stack")) as made:
        yield made


@pytest.fixture(scope="session")
def garden_recording(recordings: Path) -> Path:
    """A chaffinch, 7 s of MP3."""
    return min((recordings / "garden20").glob("fringilla-coelebs-*.mp3"))
