"""Who is heard next, and with whom. Nobody waits while a worker is idle: batches form only behind busy ones."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from shared.errors import Overloaded

Result = TypeVar("Result")
Wanted = Callable[[], Awaitable[None]]
"""Called when a job's turn has come; raises when nobody waits for the result any more."""


async def always() -> None:
    """The result is wanted whatever happens."""


@dataclass(eq=False)
class Job(Generic[Result]):
    """A piece of work for one thread, by itself or with others of the same `kind`."""

    alone: Callable[[], Result]
    kind: Hashable = None
    """Jobs of one kind may be done together; None: only alone."""
    content: Any = None
    together: Callable[[Sequence[Any]], Sequence[Result]] | None = None
    """From the contents of several jobs of the kind to their results: those that each would have alone."""
    wanted: Wanted = always
    until: float = float("inf")
    """Moment of `time.monotonic` at which it is too late to begin."""
    done: "asyncio.Future[Result]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Batcher:
    """A queue in front of `workers` threads. An idle worker takes what has waited longest, at once, and with it up to
    `most` jobs of the same kind that wait as well."""

    def __init__(self, workers: int, most: int) -> None:
        self.workers = workers
        self._most = most
        self._idle = workers
        self._waiting: deque[Job[Any]] = deque()
        self._threads = ThreadPoolExecutor(workers, "compute")
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, job: Job[Result]) -> Result:
        """The job's result. Who is cancelled while it waits is passed over.

        Raises what the job raises, what its `wanted` raises, and Overloaded when its turn comes too late.
        """
        self._waiting.append(job)
        self._give_out()
        return await job.done

    def close(self) -> None:
        """Waits for what is being computed."""
        for task in self._running:
            task.cancel()
        self._threads.shutdown()

    def _give_out(self) -> None:
        while self._idle and self._waiting:
            self._idle -= 1
            task = asyncio.create_task(self._work(self._next()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _next(self) -> list[Job[Any]]:
        first = self._waiting.popleft()
        if first.kind is None:
            return [first]
        others = [job for job in self._waiting if job.kind == first.kind][: self._most - 1]
        for job in others:
            self._waiting.remove(job)
        return [first, *others]

    async def _work(self, jobs: list[Job[Any]]) -> None:
        try:
            asked = [job for job in jobs if await self._still_wanted(job)]
            if asked:
                await asyncio.get_running_loop().run_in_executor(self._threads, _do, asked)
        finally:
            self._idle += 1
            self._give_out()

    async def _still_wanted(self, job: Job[Any]) -> bool:
        try:
            if time.monotonic() > job.until:
                raise Overloaded(
                    "So many recordings wait that this one's turn came too late.", hint="Try again in a moment."
                )
            await job.wanted()
        except Exception as error:
            if not job.done.done():
                job.done.set_exception(error)
        return not job.done.done()


def _do(jobs: Sequence[Job[Any]]) -> None:
    """In a worker's thread."""
    if len(jobs) > 1 and jobs[0].together is not None:
        # Where one of them spoils it for all, whose fault it is shows when each is done alone.
        with suppress(Exception):
            results = jobs[0].together([job.content for job in jobs])
            for job, result in zip(jobs, results, strict=True):
                _tell(job, result, None)
            return
    for job in jobs:
        try:
            result = job.alone()
        except Exception as error:
            _tell(job, None, error)
        else:
            _tell(job, result, None)


def _tell(job: Job[Any], result: Any, error: Exception | None) -> None:
    def tell() -> None:
        if job.done.done():
            return
        if error is None:
            job.done.set_result(result)
        else:
            job.done.set_exception(error)

    job.done.get_loop().call_soon_threadsafe(tell)
