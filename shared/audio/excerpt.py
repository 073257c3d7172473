"""Which part of a recording a picture shows, and how large it is: what can be said without drawing it."""

import math
from typing import Final

from shared.audio.constants import SAMPLE_RATE
from shared.errors import InvalidInput

LOOK: Final = 1
"""Counts up when the same recording is drawn differently, so that pictures kept elsewhere are asked for anew."""

DEFAULT_WIDTH: Final = 1_200
LEAST_WIDTH: Final = 640
MOST_WIDTH: Final = 2_100
"""In pixels; of these, 120 are beside the panels."""


def span(samples: int, start: float, seconds: float | None) -> tuple[int, int]:
    """Samples [start, end) that `start` and `seconds` stand for in a recording, all from `start` on where None.

    Raises InvalidInput.
    """
    length = samples / SAMPLE_RATE
    if not 0 <= start < length:
        raise InvalidInput(
            f"The recording is {length:.2f} s long; nothing can be shown from {start:g} s on.",
            hint=f"Let start be at least 0 and less than {length:.2f}.",
        )
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise InvalidInput(f"{seconds:g} s cannot be shown.", hint="Let seconds be more than 0, or leave it out.")
    first = min(samples - 1, int(start * SAMPLE_RATE))
    end = samples if seconds is None else min(samples, round((start + seconds) * SAMPLE_RATE))
    return first, max(first + 1, end)
