"""Groups: what ties recordings together, and that a split which tears them apart is found out."""

from array import array

import pytest

from services.trainer.candidates import Candidate, Origin
from services.trainer.groups import SplitLeaks, assign_groups, check_leaks


def candidate(
    sha256: str,
    *,
    recordist: str = "",
    xc_id: str | None = None,
    sound: str | None = None,
    excerpt_of: str | None = None,
    label: str = "Avis una",
    quality: str | None = None,
    slices: int = 1,
) -> Candidate:
    origin = Origin(
        id=f"id of {sha256}",
        sha256=sha256,
        audio=f"{sha256}.wav",
        samples=10_000_000,
        prepared_sha256=sound,
        label=label,
        secondary=[],
        source="folder",
        source_url="",
        xc_id=xc_id,
        recordist=recordist,
        licence="",
        quality=quality,
        country="",
        locality="",
        latitude=None,
        longitude=None,
        recorded_on=None,
        segmentation="contrast",
        excerpt_of=excerpt_of,
    )
    return Candidate(origin, label, False, array("q", range(slices)))


def groups(*candidates: Candidate) -> list[str]:
    assign_groups(candidates)
    return [one.group for one in candidates]


@pytest.mark.parametrize("other", ["Ann Lee", " ann  lee ", "ANN LEE", "\N{FULLWIDTH LATIN CAPITAL LETTER A}nn Lee"])
def test_a_name_in_other_letters_is_the_same_person(other: str) -> None:
    assert groups(candidate("b", recordist="Ann Lee"), candidate("a", recordist=other)) == ["a", "a"]


def test_strangers_and_those_without_a_name_are_groups_of_their_own() -> None:
    assert groups(candidate("a", recordist="Ann"), candidate("b", recordist="Bob")) == ["a", "b"]
    assert groups(candidate("a"), candidate("b", recordist="  ")) == ["a", "b"]


def test_clips_of_one_recording_and_the_same_sound_in_two_formats_are_one_group() -> None:
    assert groups(candidate("a", xc_id="12"), candidate("b", xc_id="12", recordist="Ann")) == ["a", "a"]
    assert groups(candidate("a", sound="s"), candidate("b", sound="s")) == ["a", "a"]
    assert groups(candidate("a", sound=None), candidate("b", sound=None)) == ["a", "b"]


def test_excerpts_of_one_recording_and_the_whole_are_one_group() -> None:
    assert groups(candidate("c", excerpt_of="a"), candidate("b", excerpt_of="a"), candidate("x")) == ["b", "b", "x"]
    assert groups(candidate("c", excerpt_of="a"), candidate("a")) == ["a", "a"]
    assert groups(candidate("b", excerpt_of=None), candidate("a", excerpt_of=None)) == ["b", "a"]


def test_ties_go_on_through_others() -> None:
    chain = [
        candidate("d", recordist="Ann"),
        candidate("c", recordist="ann", xc_id="7"),
        candidate("b", xc_id="7", sound="s"),
        candidate("a", sound="s", recordist="A. Lee"),
        candidate("e", recordist="Bob"),
    ]
    assert groups(*chain) == ["a", "a", "a", "a", "e"]
    assert groups(*reversed(chain)) == ["e", "a", "a", "a", "a"]


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        (candidate("a", recordist="Ann"), candidate("b", recordist=" ANN"), "recordist 'ann'"),
        (candidate("a", xc_id="12"), candidate("b", xc_id="12"), "Xeno-canto number '12'"),
        (candidate("a", sound="s"), candidate("b", sound="s"), "sound 's'"),
        (candidate("a"), candidate("a", label="Avis duo"), "file 'a'"),
        (candidate("a", excerpt_of="c"), candidate("b", excerpt_of="c"), "file 'c'"),
    ],
)
def test_a_tie_in_two_folds_is_a_leak_whatever_the_groups_say(one: Candidate, other: Candidate, says: str) -> None:
    one.group, other.group, one.fold, other.fold = "x", "y", 0, 0
    check_leaks([one, other])
    other.fold = 1
    with pytest.raises(SplitLeaks, match=f"Folds 1 and 2 share the {says}"):
        check_leaks([one, other])


def test_a_group_in_two_folds_is_a_leak() -> None:
    one, other = candidate("a"), candidate("b")
    one.group, other.group, other.fold = "x", "x", 3
    with pytest.raises(SplitLeaks, match="Folds 1 and 4 share the group 'x'"):
        check_leaks([one, other])
