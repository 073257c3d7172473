"""Reading ahead: while one thing is used, the next ones are made in threads."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def prefetched(makers: Iterator[Callable[[], T]], ahead: int) -> Generator[T, None, None]:
    """What the makers make, in their order; up to `ahead` of it, 1 or more, is made before it is asked for.

    Each maker is called once, in one of several threads, so it must not depend on the others; what it raises is raised
    here, in its place. When the generator is closed, or breaks off, the threads end after what they are making.
    """
    cores = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(min(ahead, max(1, cores - 1)), "prefetch") as threads:
        coming = deque(threads.submit(make) for make in islice(makers, ahead))
        try:
            while coming:
                item = coming.popleft().result()
                coming.extend(threads.submit(make) for make in islice(makers, 1))
                yield item
        finally:
            for future in coming:
                future.cancel()
