"""Sections that a person marked: what they make of those that were found, and the slices cut from them."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given as tried_with
from hypothesis import strategies as st

from shared.audio.constants import SAMPLE_RATE, WINDOW_SAMPLES
from shared.audio.given import Given, slice_sections, union, with_given, without
from shared.audio.slices import Section, slice_recording

TEN_SECONDS = 10 * SAMPLE_RATE
FOUND = [
    Section("noise", 0, 2 * SAMPLE_RATE),
    Section("signal", 2 * SAMPLE_RATE, 4 * SAMPLE_RATE),
    Section("noise", 4 * SAMPLE_RATE, TEN_SECONDS),
]


def seconds(sections: Sequence[Section]) -> list[tuple[str, str, float, float]]:
    return [(one.kind, one.label, one.start / SAMPLE_RATE, one.end / SAMPLE_RATE) for one in sections]


def test_without_marks_everything_is_as_it_was_found() -> None:
    assert with_given(TEN_SECONDS, FOUND, []) == FOUND
    assert slice_sections(TEN_SECONDS, FOUND) == slice_recording(TEN_SECONDS, FOUND)


def test_marked_signal_is_all_the_signal_and_noise_lies_outside_of_it() -> None:
    marked = [Given(1.0, 1.5), Given(6.0, 7.0, label="Pica pica"), Given(6.5, 8.0)]
    assert seconds(with_given(TEN_SECONDS, FOUND, marked)) == [
        ("noise", "", 0.0, 1.0),
        ("signal", "", 1.0, 1.5),
        ("noise", "", 1.5, 2.0),
        ("noise", "", 4.0, 6.0),
        ("signal", "Pica pica", 6.0, 7.0),
        ("signal", "", 6.5, 8.0),
        ("noise", "", 8.0, 10.0),
    ]


def test_what_is_marked_as_noise_or_unknown_is_no_signal() -> None:
    marked = [Given(2.0, 2.5, "noise"), Given(3.5, 5.0, "unknown")]
    assert seconds(with_given(TEN_SECONDS, FOUND, marked)) == [
        ("noise", "", 0.0, 2.5),
        ("signal", "", 2.5, 3.5),
        ("noise", "", 5.0, 10.0),
    ]


def test_marks_end_with_the_recording_and_what_lies_behind_it_counts_for_nothing() -> None:
    marked = [Given(9.0, 1e300), Given(10.0, 11.0, label="Pica pica"), Given(1e300, 2e300)]
    signal = [one for one in seconds(with_given(TEN_SECONDS, FOUND, marked)) if one[0] == "signal"]
    assert signal == [("signal", "", 9.0, 10.0)]


def test_a_review_counts_in_its_stretch_and_the_rest_stays_as_it_was_found() -> None:
    marked = [Given(3.5, 5.0, label="Pica pica", review=True), Given(8.0, 9.0, "unknown", review=True)]
    assert seconds(with_given(TEN_SECONDS, FOUND, marked)) == [
        ("noise", "", 0.0, 2.0),
        ("signal", "", 2.0, 3.5),
        ("signal", "Pica pica", 3.5, 5.0),
        ("noise", "", 5.0, 8.0),
        ("noise", "", 9.0, 10.0),
    ]


def test_a_review_that_hears_noise_takes_what_was_found_away() -> None:
    assert seconds(with_given(TEN_SECONDS, FOUND, [Given(2.5, 6.0, "noise", review=True)])) == [
        ("noise", "", 0.0, 2.0),
        ("signal", "", 2.0, 2.5),
        ("noise", "", 2.5, 10.0),
    ]


def test_a_review_of_the_own_species_joins_what_was_found_of_it() -> None:
    assert seconds(with_given(TEN_SECONDS, FOUND, [Given(3.0, 6.0, review=True)])) == [
        ("noise", "", 0.0, 2.0),
        ("signal", "", 2.0, 6.0),
        ("noise", "", 6.0, 10.0),
    ]


def test_where_reviews_differ_a_bird_is_no_noise() -> None:
    marked = [Given(2.0, 4.0, "noise", review=True), Given(3.0, 3.5, label="Pica pica", review=True)]
    marked.append(Given(2.0, 2.5, "unknown", review=True))
    assert seconds(with_given(TEN_SECONDS, FOUND, marked)) == [
        ("noise", "", 0.0, 2.0),
        ("noise", "", 2.5, 3.0),
        ("signal", "Pica pica", 3.0, 3.5),
        ("noise", "", 3.5, 10.0),
    ]


def test_beside_marks_of_a_file_a_review_changes_its_stretch_of_them() -> None:
    of_file = [Given(1.0, 2.0), Given(6.0, 8.0, label="Pica pica")]
    reviewed = [Given(1.5, 2.5, label="Parus major", review=True), Given(7.0, 7.5, "noise", review=True)]
    assert seconds(with_given(TEN_SECONDS, FOUND, [*reviewed, *of_file])) == [
        ("noise", "", 0.0, 1.0),
        ("signal", "", 1.0, 1.5),
        ("signal", "Parus major", 1.5, 2.5),
        ("noise", "", 4.0, 6.0),
        ("signal", "Pica pica", 6.0, 7.0),
        ("noise", "", 7.0, 7.5),
        ("signal", "Pica pica", 7.5, 8.0),
        ("noise", "", 8.0, 10.0),
    ]


@pytest.mark.parametrize("at", [0.0, 4.99, 7.5, 9.99])
def test_the_shortest_mark_has_a_slice_that_holds_it(at: float) -> None:
    sections = with_given(TEN_SECONDS, FOUND, [Given(at, at + 0.01)])
    held = [one for one in slice_sections(TEN_SECONDS, sections) if one.kind == "signal"]
    assert any(
        one.start <= at * SAMPLE_RATE and min(at + 0.01, 10.0) * SAMPLE_RATE <= one.start + one.length for one in held
    )
    tiny = with_given(SAMPLE_RATE // 10, [], [Given(0.05, 0.06)])
    assert [one.kind for one in slice_sections(SAMPLE_RATE // 10, tiny)] == ["signal"]


def test_a_window_in_which_two_sing_is_a_slice_of_each() -> None:
    marked = [Given(1.0, 2.0), Given(1.5, 4.0, label="Pica pica")]
    slices = slice_sections(TEN_SECONDS, with_given(TEN_SECONDS, FOUND, marked))
    assert [(one.start, one.kind, one.label, round(one.signal_fraction, 3)) for one in slices] == [
        (0, "signal", "", 0.2),
        (0, "signal", "Pica pica", 0.5),
        (55_125, "signal", "Pica pica", 0.3),
        (110_250, "noise", "", 0.0),
    ]
    assert slices[0].length == WINDOW_SAMPLES


STRETCHES = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda one: (one[0], one[0] + one[1])))


@tried_with(STRETCHES, STRETCHES)
def test_union_and_difference_are_those_of_the_samples(
    some: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    def samples(stretches: Sequence[tuple[int, int]]) -> set[int]:
        return {at for start, end in stretches for at in range(start, end)}

    joined = union(some)
    assert samples(joined) == samples(some)
    assert all(np.diff([edge for stretch in joined for edge in stretch]) > 0)
    left = without(joined, union(others))
    assert samples(left) == samples(some) - samples(others)
    assert sum(end - start for start, end in left) == len(samples(left))
