"""What part of a recording is asked for, and what cannot be."""

import pytest

from shared.audio.constants import SAMPLE_RATE
from shared.audio.excerpt import span
from shared.errors import InvalidInput


def test_the_span_is_in_samples_and_ends_with_the_recording() -> None:
    assert span(100 * SAMPLE_RATE, 0, None) == (0, 100 * SAMPLE_RATE)
    assert span(100 * SAMPLE_RATE, 2.5, 5) == (55_125, 165_375)
    assert span(100 * SAMPLE_RATE, 99, 5) == (99 * SAMPLE_RATE, 100 * SAMPLE_RATE)
    assert span(1, 0, 1e-9) == (0, 1)


@pytest.mark.parametrize(
    ("start", "seconds"), [(10, None), (-1, None), (float("nan"), 1), (0, 0), (0, -1), (0, float("nan"))]
)
def test_what_lies_outside_of_the_recording_is_refused_with_a_hint(start: float, seconds: float | None) -> None:
    with pytest.raises(InvalidInput) as refusal:
        span(10 * SAMPLE_RATE, start, seconds)
    assert refusal.value.hint
