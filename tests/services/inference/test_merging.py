"""Joining detections, beside the plainest way to do it."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.inference.merging import merged
from services.inference.schemas import Detection


def detection(start: float, species: str = "Avis ima", *, seconds: float = 5.0, **more: object) -> Detection:
    fields = {"start": start, "end": start + seconds, "species": species, "common_name": "", "confidence": 0.5}
    return Detection.model_validate(fields | more)


def windows_of(found: list[list[str]]) -> list[Detection]:
    """Detections of windows every 2.5 s, in each of which these species are heard."""
    return [detection(2.5 * number, name) for number, names in enumerate(found) for name in names]


def plainly(detections: list[Detection], gap: float) -> list[tuple[float, float, str, int]]:
    """The same with everything in memory, species by species."""
    joined: list[tuple[float, float, str, int]] = []
    for name in {one.species for one in detections}:
        mine = [one for one in detections if one.species == name]
        start, end, count = mine[0].start, mine[0].end, 1
        for one in mine[1:]:
            if one.start <= end + gap:
                end, count = one.end, count + 1
            else:
                joined.append((start, end, name, count))
                start, end, count = one.start, one.end, 1
        joined.append((start, end, name, count))
    return sorted(joined, key=lambda row: (row[0], row[2]))


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=3, unique=True), max_size=40), st.sampled_from([0, 2.5, 30]))
def test_it_joins_what_the_plain_way_joins_in_order_of_time(found: list[list[str]], gap: float) -> None:
    detections = windows_of(found)
    joined = list(merged(detections, gap))
    assert [one.start for one in joined] == sorted(one.start for one in joined)
    rows = sorted(((one.start, one.end, one.species, one.windows) for one in joined), key=lambda r: (r[0], r[2]))
    assert rows == plainly(detections, gap)


def test_windows_that_touch_are_one_and_a_gap_is_a_gap() -> None:
    spans = [(one.start, one.end) for one in merged([detection(0), detection(5), detection(12)])]
    assert spans == [(0, 10), (12, 17)]
    assert len(list(merged([detection(0), detection(5), detection(12)], gap=2))) == 1


def test_the_joined_one_is_as_sure_as_the_surest_and_known_where_one_is() -> None:
    (one,) = merged([detection(0, confidence=0.4, known=False), detection(2.5, confidence=0.9, known=True)])
    assert (one.confidence, one.known, one.windows) == (0.9, True, 2)
    (one,) = merged([detection(0), detection(2.5)])
    assert one.known is None


def test_what_cannot_grow_any_more_is_handed_on_at_once() -> None:
    taken = 0

    def calls() -> Iterator[Detection]:
        nonlocal taken
        for number in range(1_000):
            taken += 1
            yield detection(10.0 * number)

    assert next(merged(calls())).start == 0
    assert taken == 2


def test_a_day_of_windows_takes_no_more_memory_than_what_still_grows() -> None:
    def day() -> Iterator[Detection]:
        chance = np.random.default_rng(1)
        for number in range(34_560):
            for name in "abcde":
                if chance.random() < 0.3:
                    yield detection(2.5 * number, name)

    tracemalloc.start()
    try:
        windows = sum(one.windows for one in merged(day()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert windows > 50_000
    assert peak < 1_000_000
