"""One species, however it is written."""

import pytest

from shared.species import SpeciesName, built_in, resolve


@pytest.mark.parametrize("label", ["Turdus merula", "turdus_merula", "TURDUS-MERULA", "Amsel", "common  blackbird"])
def test_scientific_english_and_german_names_mean_the_same(label: str) -> None:
    assert resolve(label) == SpeciesName("Turdus merula", "Common Blackbird", "Amsel")


def test_a_hyphen_inside_a_name_is_kept_apart_from_one_between_words() -> None:
    assert resolve("Long-tailed Tit").scientific == "Aegithalos caudatus"


def test_an_unknown_label_stands_for_itself() -> None:
    assert resolve("Avis_nova ", "New Bird") == SpeciesName("Avis nova", "New Bird")


def test_no_two_built_in_species_share_a_name() -> None:
    for names in (
        [one.common for one in built_in().values()],
        [one.german for one in built_in().values()],
    ):
        assert len(set(names)) == len(names)
        assert all(names)
