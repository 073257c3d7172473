"""Which passages are asked about: suppression, the margin, and that a day of detections is quick."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inference.schemas import Detection
from services.inference.teaching.uncertainty import MOST, Passage, most_uncertain, passages
from tests.support.results import heard

MERULA, MAJOR, COELEBS = "Turdus merula", "Parus major", "Fringilla coelebs"


def at(start: float, species: str, confidence: float, end: float | None = None) -> Detection:
    return heard(start, end, species, "", confidence)


def told(found: list[Passage]) -> list[tuple[float, str, list[tuple[str, float]]]]:
    return [
        (one.detection.start, one.detection.species, [(other.species, other.confidence) for other in one.others])
        for one in found
    ]


def test_of_those_that_share_half_the_strongest_is_the_passage_and_the_others_are_its_others() -> None:
    found = passages([at(0, MERULA, 0.4), at(2.5, MERULA, 0.9), at(2.5, MAJOR, 0.3), at(5, COELEBS, 0.5)])
    assert told(found) == [(2.5, MERULA, [(COELEBS, 0.5), (MAJOR, 0.3)])]


def test_the_same_species_twice_is_no_other_and_each_other_counts_once_with_its_best() -> None:
    found = passages([at(0, MERULA, 0.9), at(2.5, MERULA, 0.8), at(0, MAJOR, 0.2), at(2.5, MAJOR, 0.6)])
    assert told(found) == [(0, MERULA, [(MAJOR, 0.6)])]


def test_what_shares_less_than_half_is_a_passage_of_its_own() -> None:
    found = passages([at(0, MERULA, 0.9), at(2.6, MAJOR, 0.5), at(7.6, MAJOR, 0.4)])
    assert told(found) == [(0, MERULA, []), (2.6, MAJOR, []), (7.6, MAJOR, [])]


def test_half_is_of_the_shorter_one() -> None:
    joined = at(0, MERULA, 0.9, end=40)
    assert told(passages([joined, at(10, MAJOR, 0.5)])) == [(0, MERULA, [(MAJOR, 0.5)])]
    assert told(passages([at(10, MAJOR, 0.95), joined])) == [(10, MAJOR, [(MERULA, 0.9)])]


def test_what_two_stronger_ones_share_is_an_other_of_both() -> None:
    found = passages([at(0, MERULA, 0.9), at(5, MERULA, 0.8), at(2.5, MAJOR, 0.5)])
    assert told(found) == [(0, MERULA, [(MAJOR, 0.5)]), (5, MERULA, [(MAJOR, 0.5)])]


@pytest.mark.parametrize(
    ("first", "second", "uncertainty"),
    [(0.5, None, 1.0), (0.52, 0.31, 0.96), (0.95, None, 0.1), (0.3, None, 0.6), (0.6, 0.55, 0.95), (1.0, None, 0.0)],
)
def test_the_margin_is_to_the_next_species_or_to_nobody(first: float, second: float | None, uncertainty: float) -> None:
    others = [] if second is None else [at(0, MAJOR, second)]
    assert Passage(at(0, MERULA, first), others).uncertainty == pytest.approx(uncertainty)


def test_the_most_uncertain_come_first_and_no_more_than_somebody_can_answer() -> None:
    found = most_uncertain(at(5 * number, MERULA, 0.5 + number / 200) for number in range(60))
    assert [one.detection.start for one in found] == [5 * number for number in range(MOST)]


def test_what_nobody_can_answer_is_not_asked() -> None:
    assert most_uncertain([at(0, MERULA, 0.5, end=60.1), at(70, MAJOR, 0.5, end=70.05)]) == []
    assert len(most_uncertain([at(0, MERULA, 0.5, end=60)])) == 1


DETECTIONS = st.lists(
    st.builds(
        at,
        st.integers(0, 60).map(lambda half: half / 2),
        st.sampled_from([MERULA, MAJOR, COELEBS]),
        st.integers(0, 100).map(lambda percent: percent / 100),
    ),
    max_size=40,
)


@given(DETECTIONS)
def test_no_two_passages_share_half_and_each_detection_is_in_one(detections: list[Detection]) -> None:
    found = passages(detections)
    starts = [one.detection.start for one in found]
    assert all(later - earlier > 2.5 for earlier, later in pairwise(starts))
    for one in detections:
        near = [p for p in found if abs(p.detection.start - one.start) <= 2.5]
        assert any(p.detection.confidence >= one.confidence for p in near)
    for passage in found:
        assert passage.detection.species not in {other.species for other in passage.others}
        assert 0 <= passage.uncertainty <= 1


def test_a_day_with_birds_in_each_window_is_sorted_out_in_seconds() -> None:
    species = [f"Avis {number}" for number in range(5)]
    day = [at(2.5 * n, name, (n * 7 + k * 13) % 97 / 97) for n in range(34_560) for k, name in enumerate(species)]
    began = time.process_time()
    assert len(most_uncertain(day)) == MOST
    assert time.process_time() - began < 20
