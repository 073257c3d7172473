import time

import pytest

from services.inference.nearest import NearestNames
from services.inference.species_lists import MOST_LINES, Line, parse_species_list
from shared.errors import InvalidInput
from shared.model_file import Label
from shared.species import SpeciesName, built_in

LABELS = [
    Label(scientific="Turdus merula", common="Common Blackbird"),
    Label(scientific="Parus major", common="Great Tit"),
    Label(scientific="Phylloscopus collybita", common="Common Chiffchaff"),
    Label(scientific="Avis media", common="Middle Bird"),
]
MERULA, MAJOR, COLLYBITA, MEDIA = (label.scientific for label in LABELS)


@pytest.mark.parametrize(
    "line",
    [
        "Turdus merula_Common Blackbird",
        "Turdus merula",
        "turdus_merula",
        "TURDUS  MERULA  ",
        "Common Blackbird",
        "Amsel",
        "Turdus merula\tCommon Blackbird",
        "Common Blackbird, Turdus merula",
        "Turdus merula_Amsel",
        "Turdus antiquus_Common Blackbird",
        '"Turdus merula"',
        "Turdus merula # sings at dawn",
        "Turdus merula\t# sings at dawn",
        "eurbla;Turdus merula;Common Blackbird",
    ],
)
def test_a_line_names_a_species_in_any_of_these_ways(line: str) -> None:
    found = parse_species_list(line, LABELS)
    assert (found.species, found.unknown, found.not_heard) == ((MERULA,), (), ())


def test_order_is_kept_and_what_is_named_twice_comes_once() -> None:
    found = parse_species_list("Kohlmeise\nTurdus merula\nGreat Tit\nMiddle Bird\n", LABELS)
    assert found.species == (MAJOR, MERULA, MEDIA)


def test_byte_order_mark_line_ends_blanks_and_comments_are_passed_over() -> None:
    found = parse_species_list("\ufeff# Garden, May\r\n\r\nTurdus merula\r\n   \r\n#Parus major\r\nZilpzalp", LABELS)
    assert found.species == (MERULA, COLLYBITA)
    assert not found.unknown


@pytest.mark.parametrize(
    "text",
    [
        "code,Common Name,Scientific Name\n1,Common Blackbird,Turdus merula\n2,,Parus major\n",
        'Scientific name;Remarks\nTurdus merula;"heard; seen"\nParus major;\n',
        "Remarks\tSpecies\n\tTurdus merula\n\tParus major\n",
        "\ufeffspecies\nTurdus merula\nParus major\n",
        "Code,Species\nParus major,Turdus merula\nx,Kohlmeise\n",
    ],
)
def test_under_a_header_only_the_columns_with_names_are_read(text: str) -> None:
    found = parse_species_list(text, LABELS)
    assert (found.species, found.unknown) == ((MERULA, MAJOR), ())


def test_an_unknown_line_is_told_with_its_number_and_the_nearest_names() -> None:
    found = parse_species_list("# list\nTurdus merulla\nGrat Tit\nqqqq\n", LABELS)
    assert found.species == ()
    merulla, tit, nothing = found.unknown
    assert (merulla.number, merulla.text, merulla.nearest[0]) == (2, "Turdus merulla", MERULA)
    assert "Great Tit" in tit.nearest
    assert nothing == Line(4, "qqqq")


def test_a_species_that_the_model_does_not_know_is_told_apart_from_an_unknown_name() -> None:
    absent = next(name for name in built_in() if name not in {label.scientific for label in LABELS})
    further = SpeciesName("Avis ultima", "Last Bird", {"fr": "Oiseau dernier"})
    found = parse_species_list(f"{absent}\nOiseau dernier\n", LABELS, [further])
    assert found.not_heard == (Line(1, absent), Line(2, "Oiseau dernier"))
    assert found.unknown == ()


def test_a_name_in_a_language_of_the_library_is_resolved() -> None:
    found = parse_species_list("Merle à plastron\nME\u0301SANGE", LABELS, [SpeciesName(MERULA, "", {"fr": "mésange"})])
    assert found.species == (MERULA,)
    assert [line.text for line in found.unknown] == ["Merle à plastron"]


def test_a_name_that_two_species_share_is_asked_back() -> None:
    twins = [SpeciesName("Avis prima", "Twin"), SpeciesName("Avis secunda", "Twin")]
    found = parse_species_list("Twin", [Label(scientific=one.scientific) for one in twins], twins)
    assert found.species == ()
    assert found.unknown == (Line(1, "Twin", ("Avis prima", "Avis secunda")),)


def test_a_model_with_an_older_scientific_name_is_found_by_all_names_of_the_species() -> None:
    older = [Label(scientific="Sylvia merula", common="Common Blackbird")]
    assert parse_species_list("Amsel\nTurdus merula_Merle noir", older).species == ("Sylvia merula",)


def test_every_line_is_accounted_for() -> None:
    lines = ["Turdus merula", "Amsel", "nobody", "", "# no", *built_in()]
    found = parse_species_list("\n".join(lines), LABELS)
    told = len(found.unknown) + len(found.not_heard)
    assert told + 2 + len({MERULA, MAJOR, COLLYBITA} & set(built_in())) == len(lines) - 2
    assert [line.text for line in found.unknown] == ["nobody"]


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n", "# only a comment", ",,,\n;;", "_", "\x00\n"])
def test_a_list_without_names_has_no_species(text: str) -> None:
    assert parse_species_list(text, LABELS).species == ()


def test_what_is_too_long_is_no_list() -> None:
    with pytest.raises(InvalidInput, match="20,001 lines"):
        parse_species_list("a\n" * (MOST_LINES + 1), LABELS)
    with pytest.raises(InvalidInput):
        parse_species_list("a" * 2_000_001, LABELS)


def test_thousands_of_unknown_lines_take_seconds_not_minutes() -> None:
    labels = [Label(scientific=f"Genus{n % 997} species{n}", common=f"Bird number {n}") for n in range(6_000)]
    begin = time.monotonic()
    found = parse_species_list("\n".join(f"Genus{n % 997} specie{n}x" for n in range(2_000)), labels)
    assert time.monotonic() - begin < 20
    assert len(found.unknown) == 2_000
    assert all(line.nearest for line in found.unknown)


def test_the_nearest_names_are_those_with_most_in_common_whatever_their_accents() -> None:
    nearest = NearestNames(["Sumpfrohrsänger", "Teichrohrsänger", "Amsel", "Grünfink"])
    assert nearest.to("sumpfrohrsanger")[:2] == ("Sumpfrohrsänger", "Teichrohrsänger")
    assert nearest.to("Grunfink") == ("Grünfink",)
    assert nearest.to("") == nearest.to("Zaunkönig") == ()
