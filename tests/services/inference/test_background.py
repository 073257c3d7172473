"""What goes on beside the requests: as long as the block, and no longer; and memory that goes back to the system."""

import asyncio
import ctypes

import numpy as np
import psutil
import pytest

from services.inference import background
from services.inference.background import beside, give_back_memory
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")

PIECE = 100_000  # bytes: too small to be a mapping of its own
PIECES = 2_000


async def test_it_ends_with_the_block_even_where_that_fails() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fail() -> None:
        async with beside(work()):
            await asyncio.sleep(0)
            raise ValueError("over")

    with pytest.raises(ValueError, match="over"):
        await fail()
    assert ended.is_set()


async def test_memory_between_what_lasts_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "TRIM_SECONDS", 0.01)
    pieces = [np.ones(PIECE, np.uint8) for _ in range(PIECES)]
    last = pieces[-1]  # behind all the others: without help nothing before it can shrink
    del pieces
    enough = resident() - PIECE * PIECES // 2
    async with beside(give_back_memory()):
        await asyncio.to_thread(until, lambda: resident() < enough, seconds=20, what="memory that is given back")
    assert last.all()


def resident() -> int:
    return int(psutil.Process().memory_info().rss)
