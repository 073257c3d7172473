"""Who is computed when, with real threads: a gate keeps them busy, so that nothing here depends on time."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from services.inference.batching import Batcher, Job
from shared.errors import Overloaded

Open = Callable[[], None]


@asynccontextmanager
async def batcher(workers: int = 1, most: int = 16) -> AsyncIterator[Batcher]:
    made = Batcher(workers, most)
    try:
        yield made
    finally:
        made.close()


async def busy(made: Batcher) -> tuple[Open, asyncio.Future[str]]:
    """Every worker at work; what lets them go, and the result of the last."""
    gate, started = threading.Event(), threading.Semaphore(0)

    def work() -> str:
        started.release()
        assert gate.wait(20)
        return "done"

    running = [asyncio.ensure_future(made.run(Job(work))) for _ in range(made.workers)]
    for _ in running:
        assert await asyncio.to_thread(started.acquire, True, 20)
    return gate.set, running[-1]


def number(value: int, seen: list[list[int]] | None = None, **more: object) -> Job[int]:
    """A job that doubles its number; `seen` gets the numbers that were doubled in one go."""

    def together(values: Sequence[int]) -> list[int]:
        if seen is not None:
            seen.append(list(values))
        return [2 * one for one in values]

    def alone() -> int:
        return together([value])[0]

    return Job(alone, "numbers", value, together, **more)  # type: ignore[arg-type]


async def test_behind_a_busy_worker_a_batch_forms_and_each_gets_its_own_result() -> None:
    seen: list[list[int]] = []
    async with batcher(most=3) as made:
        release, first = await busy(made)
        waiting = [asyncio.ensure_future(made.run(number(value, seen))) for value in range(5)]
        await asyncio.sleep(0)
        release()
        assert await asyncio.gather(*waiting) == [0, 2, 4, 6, 8]
        assert await first == "done"
    assert seen == [[0, 1, 2], [3, 4]]


async def test_a_lone_job_is_begun_at_once_though_more_could_come() -> None:
    seen: list[list[int]] = []
    async with batcher(workers=2) as made:
        results = [await made.run(number(value, seen)) for value in range(3)]
    assert (results, seen) == ([0, 2, 4], [[0], [1], [2]])


async def test_jobs_of_another_kind_wait_their_turn_and_are_not_mixed_in() -> None:
    order: list[str] = []
    seen: list[list[int]] = []
    async with batcher() as made:
        release, _ = await busy(made)
        jobs = [number(1, seen), Job(lambda: order.append(f"alone after {seen}")), number(2, seen)]
        waiting = [asyncio.ensure_future(made.run(job)) for job in jobs]
        await asyncio.sleep(0)
        release()
        await asyncio.gather(*waiting)
    assert order == ["alone after [[1, 2]]"]


async def test_one_that_spoils_a_batch_fails_by_itself() -> None:
    def together(values: Sequence[int]) -> list[int]:
        return [10 // value for value in values]

    async with batcher() as made:
        release, _ = await busy(made)
        jobs = [Job(lambda value=value: 10 // value, "quotients", value, together) for value in (1, 0, 5)]
        waiting = [asyncio.ensure_future(made.run(job)) for job in jobs]
        await asyncio.sleep(0)
        release()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert results[0::2] == [10, 2]
        assert isinstance(results[1], ZeroDivisionError)
        assert await made.run(number(4)) == 8, "the worker goes on"


async def test_who_gave_up_is_passed_over_and_who_came_too_late_is_told() -> None:
    seen: list[list[int]] = []

    async def nobody() -> None:
        raise ConnectionResetError

    async with batcher() as made:
        release, _ = await busy(made)
        jobs = [number(1, seen), number(2, seen, wanted=nobody), number(3, seen, until=0.0), number(4, seen)]
        waiting = [asyncio.ensure_future(made.run(job)) for job in jobs]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        release()
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert isinstance(results[1], ConnectionResetError)
    assert isinstance(results[2], Overloaded)
    assert "too late" in str(results[2])
    assert (results[3], seen) == (8, [[4]])


@pytest.mark.parametrize("workers", [1, 3])
async def test_no_worker_is_idle_while_somebody_waits(workers: int) -> None:
    """So many barriers as workers: they only open where all of them work at the same time."""
    barrier = threading.Barrier(workers)

    def meet() -> int:
        return barrier.wait(20)

    async with batcher(workers) as made:
        met = await asyncio.gather(*(made.run(Job(meet)) for _ in range(2 * workers)))
    assert sorted(met) == sorted([*range(workers)] * 2)
