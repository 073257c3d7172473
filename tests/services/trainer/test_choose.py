"""What a dataset takes of what there is: no sound twice, the best first, as many people as can be."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.candidates import Candidate
from services.trainer.choose import shared_out, spread, within_limits, without_copies
from services.trainer.groups import assign_groups
from services.trainer.selection import Selection
from tests.services.trainer.test_groups import candidate


def chosen(candidates: list[Candidate], **limits: int) -> list[tuple[str, int]]:
    """Content and number of slices of what is taken."""
    assign_groups(candidates)
    wanted = Selection.model_validate({"min_recordings": 1, **limits})
    return [(one.origin.sha256, len(one.slices)) for one in within_limits(candidates, wanted)]


def test_one_of_two_copies_is_taken_and_it_is_said() -> None:
    kept, warnings = without_copies([candidate("b", sound="s"), candidate("a", sound="s"), candidate("c", sound="t")])
    assert [one.origin.sha256 for one in kept] == ["a", "c"]
    assert warnings == ["1 recordings sound the same as another one of their species; one of each is taken."]


def test_a_sound_under_two_names_stays_under_both_and_is_named() -> None:
    kept, warnings = without_copies([candidate("a", sound="s"), candidate("b", sound="s", label="Avis duo")])
    assert len(kept) == 2
    assert warnings == ["1 sounds are there as two species, so one of the two is wrong: Avis duo or Avis una."]


def test_recordings_without_a_known_sound_are_no_copies() -> None:
    assert len(without_copies([candidate("a"), candidate("b")])[0]) == 2


def test_the_best_come_first_and_of_equals_those_of_other_people() -> None:
    mine = [
        candidate("a", quality="B", recordist="Ann"),
        candidate("b", quality="A", recordist="Ann"),
        candidate("c", quality="A", recordist="Ann"),
        candidate("d", quality="A", recordist="Bob"),
        candidate("e", quality=None, recordist="Eve"),
    ]
    assert {sha for sha, _ in chosen(mine, max_recordings=1)} == {"b"}
    assert {sha for sha, _ in chosen(mine, max_recordings=2)} == {"b", "d"}
    assert {sha for sha, _ in chosen(mine, max_recordings=3)} == {"b", "c", "d"}
    assert {sha for sha, _ in chosen(mine, max_recordings=4)} == {"a", "b", "c", "d"}


def test_species_with_too_little_are_left_out() -> None:
    mine = [candidate("a", slices=3), candidate("b", slices=3), candidate("c", slices=9, label="Avis duo")]
    assert chosen(mine, min_recordings=2) == [("a", 3), ("b", 3)]
    assert chosen(mine, min_slices=7) == [("c", 9)]


def test_slices_are_capped_by_species_and_by_recording() -> None:
    mine = [candidate("a", slices=1), candidate("b", slices=10), candidate("c", slices=10)]
    assert chosen(mine, max_slices=8) == [("a", 1), ("b", 4), ("c", 3)]
    mine = [candidate("a", slices=1), candidate("b", slices=10), candidate("c", slices=10)]
    assert chosen(mine, max_slices_per_recording=2) == [("a", 1), ("b", 2), ("c", 2)]
    mine = [candidate("a", slices=1), candidate("b", slices=10, quality="A"), candidate("c", slices=10)]
    assert chosen(mine, max_slices=1) == [("b", 1)]


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(1, 300))
def test_what_is_shared_out_is_all_there_is_or_just_as_much_as_allowed(counts: list[int], most: int) -> None:
    shares = shared_out(counts, most)
    assert sum(shares) == min(sum(counts), most)
    assert all(0 <= share <= count for share, count in zip(shares, counts, strict=True))
    cut = [share for share, count in zip(shares, counts, strict=True) if share < count]
    assert not cut or max(shares) - min(cut) <= 1


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, [5]), (2, [2, 7]), (10, list(range(10)))])
def test_slices_are_taken_from_all_over_the_recording(count: int, expected: list[int]) -> None:
    assert list(spread(array("q", range(10)), count)) == expected
