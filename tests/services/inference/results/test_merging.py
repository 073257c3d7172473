"""Windows of one species become one detection, in order, one after the other, without keeping the whole day."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inference.results.merging import merged, one_by_one
from services.inference.schemas import Detection

WINDOW = 5.0


def window(start: float, species: str = "a", confidence: float = 0.5) -> Detection:
    return Detection(
        start=start, end=start + WINDOW, species=species, common_name=species.upper(), confidence=confidence
    )


def spans(detections: list[Detection], gap: float = 0.0) -> list[tuple[float, float, str, int]]:
    return [(one.start, one.end, one.species, one.windows) for one in merged(detections, gap)]


def test_windows_that_overlap_or_touch_become_one() -> None:
    assert spans([window(0), window(2.5), window(7.5), window(15)]) == [(0, 12.5, "a", 3), (15, 20, "a", 1)]


def test_the_gap_decides_what_still_belongs_together() -> None:
    apart = [window(0), window(8)]
    assert spans(apart, 2.9) == [(0, 5, "a", 1), (8, 13, "a", 1)]
    assert spans(apart, 3.0) == [(0, 13, "a", 2)]


def test_confidence_and_names_are_those_of_the_surest_window() -> None:
    (one,) = merged([window(0, confidence=0.2), window(2.5, confidence=0.9), window(5, confidence=0.4)])
    assert one.confidence == 0.9


def test_species_do_not_mix_and_come_in_order_of_their_starts() -> None:
    heard = [window(0, "a"), window(2.5, "a"), window(2.5, "b"), window(5, "a"), window(20, "b"), window(20, "a")]
    assert spans(heard) == [(0, 10, "a", 3), (2.5, 7.5, "b", 1), (20, 25, "b", 1), (20, 25, "a", 1)]


def test_nothing_stays_nothing() -> None:
    assert spans([]) == []


@pytest.mark.parametrize("gap", [-0.1, float("nan")])
def test_a_gap_below_nothing_is_refused(gap: float) -> None:
    with pytest.raises(ValueError, match="gap"):
        list(merged([], gap))


def test_detections_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="comes after"):
        list(merged([window(5), window(0)]))


def test_windows_may_also_stay_apart() -> None:
    assert [(one.start, one.windows) for one in one_by_one([window(0), window(2.5)])] == [(0, 1), (2.5, 1)]


def by_definition(detections: list[Detection], gap: float) -> list[tuple[float, float, str, int]]:
    """Species by species, then sorted; as slow as it is plain."""
    found = []
    for species in {one.species for one in detections}:
        own: list[list[float]] = []
        for one in (one for one in detections if one.species == species):
            if own and one.start <= own[-1][1] + gap:
                own[-1] = [own[-1][0], max(own[-1][1], one.end), own[-1][2] + 1]
            else:
                own.append([one.start, one.end, 1])
        found += [(start, end, species, int(count)) for start, end, count in own]
    return sorted(found)


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from("abc")), max_size=60), st.sampled_from([0.0, 2.5, 10.0]))
def test_merging_is_what_its_definition_says(heard: list[tuple[int, str]], gap: float) -> None:
    detections = [window(2.5 * step, species) for step, species in sorted(heard)]
    got = spans(detections, gap)
    assert [start for start, *_ in got] == sorted(start for start, *_ in got)
    assert sorted(got) == by_definition(detections, gap)


def test_a_day_of_windows_is_merged_as_it_passes() -> None:
    def day() -> Iterator[Detection]:
        chance = np.random.default_rng(1)
        for step in range(34_560):
            for species in "abcde":
                if chance.random() < 0.3:
                    yield window(2.5 * step, species)

    tracemalloc.start()
    try:
        windows = sum(one.windows for one in merged(day()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert windows > 50_000
    assert peak < 1_000_000
