"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def until(look: Callable[[], Value | None], *, seconds: float = 60.0, what: str = "the condition") -> Value:
    """The first truthy value that `look` gives; fails when there is none within the time."""
    give_up = time.monotonic() + seconds
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > give_up:
            raise AssertionError(f"{what} did not come true within {seconds:g} s; last seen: {value!r}")
        time.sleep(0.05)
