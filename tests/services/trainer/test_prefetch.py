"""Reading ahead changes nothing but the time, and leaves nothing running behind."""

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from services.trainer import prefetch
from services.trainer.prefetch import prefetched


def running() -> int:
    return sum(thread.name.startswith("prefetch") for thread in threading.enumerate())


@pytest.fixture(autouse=True, params=[1, 8])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch.os, "sched_getaffinity", lambda process: range(request.param))


def numbers(count: int) -> Iterator[Callable[[], int]]:
    return (partial(int, number) for number in range(count))


@pytest.mark.parametrize("ahead", [1, 3, 50])
def test_the_same_items_come_in_the_same_order(ahead: int) -> None:
    assert list(prefetched(numbers(20), ahead)) == list(range(20))
    assert list(prefetched(numbers(0), ahead)) == []
    assert not running()


def test_no_more_are_made_ahead_than_asked_for() -> None:
    made: list[int] = []
    enough = threading.Event()

    def make(number: int) -> int:
        made.append(number)
        if len(made) == 4:
            enough.set()
        return number

    items = prefetched((partial(make, number) for number in range(100)), 3)
    assert next(items) == 0
    assert enough.wait(10), "made without being asked for"
    items.close()
    assert sorted(made) == [0, 1, 2, 3]
    assert not running()


def test_what_breaks_the_making_is_raised_where_it_would_have_been() -> None:
    def broken() -> int:
        raise OSError("the disk is gone")

    items = prefetched(iter([partial(int, 1), broken, partial(int, 3)]), 4)
    assert next(items) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(items)
    assert not running()


def test_a_loop_that_breaks_off_ends_the_threads() -> None:
    def use() -> None:
        for number in prefetched(numbers(1_000), 2):
            if number == 5:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        use()
    assert not running()
