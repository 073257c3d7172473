import itertools
import math
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pytest

from services.inference.cells import distances_km, unit_vectors
from services.inference.expectations import Bounds, Expectations
from shared.errors import InvalidInput
from tests.support.visits import Sighting, count_visits

MUNICH, AUGSBURG, OAKLAND = (48.1, 11.6), (48.4, 10.9), (37.8, -122.3)
MAY, JULY, JANUARY = date(2024, 5, 4), date(2024, 7, 10), date(2024, 1, 10)
EUROPEAN = [f"Avis europaea{number}" for number in range(8)]
CALIFORNIAN = [f"Avis californica{number}" for number in range(8)]
SWIFT = "Apus apus"


def visits(
    species: list[str], place: tuple[float, float], day: date, count: int, recordist: str = "A. Birder"
) -> Iterator[Sighting]:
    """As many visits, on as many days around a day, with one of the species each, one after the other."""
    for number, name in zip(range(count), itertools.cycle(species), strict=False):
        yield Sighting(name, *place, day.replace(year=1950 + number), recordist)


def learned(*parts: Iterator[Sighting], bounds: Bounds | None = None) -> Expectations:
    return Expectations(count_visits(itertools.chain(*parts)), bounds)


@pytest.fixture(scope="module")
def two_continents() -> Expectations:
    return learned(
        visits([*EUROPEAN, SWIFT], MUNICH, MAY, 270),
        visits(EUROPEAN, MUNICH, JANUARY, 270),
        visits(CALIFORNIAN, OAKLAND, MAY, 240),
    )


def test_what_was_recorded_here_in_this_season_is_expected(two_continents: Expectations) -> None:
    found = two_continents.of(*MUNICH, MAY)
    assert all(found.expected(name) for name in [*EUROPEAN, SWIFT])
    assert found[SWIFT].share == pytest.approx(1 / 9, rel=0.01)


def test_what_is_common_elsewhere_and_missing_where_much_was_recorded_is_unexpected(
    two_continents: Expectations,
) -> None:
    found = two_continents.of(*MUNICH, MAY)
    assert {found.expected(name) for name in CALIFORNIAN} == {False}
    assert found[CALIFORNIAN[0]].share == 0
    assert {two_continents.of(*OAKLAND, MAY).expected(name) for name in EUROPEAN} == {False}


def test_a_summer_bird_is_unexpected_in_winter_where_winters_were_recorded(two_continents: Expectations) -> None:
    assert two_continents.of(*MUNICH, JANUARY).expected(SWIFT) is False
    assert two_continents.of(*MUNICH, None).expected(SWIFT) is True


def test_where_and_when_nothing_was_recorded_nothing_is_known(two_continents: Expectations) -> None:
    for place, day in (((-33.9, 151.2), MAY), (OAKLAND, JANUARY)):
        found = two_continents.of(*place, day)
        assert {one.expected for one in found.values()} == {None}
        assert found.nearby == pytest.approx(0, abs=1e-3)
        assert all(0 <= one.share <= 1 for one in found.values())


def test_of_a_species_that_the_library_lacks_nothing_is_known(two_continents: Expectations) -> None:
    found = two_continents.of(*MUNICH, MAY)
    assert found.expected("Avis ignota") is None
    with pytest.raises(KeyError):
        found["Avis ignota"]


def test_a_rare_species_is_never_unexpected() -> None:
    expectations = learned(
        visits(EUROPEAN, MUNICH, MAY, 300), visits(CALIFORNIAN, OAKLAND, MAY, 100), visits(["Rara"], OAKLAND, MAY, 2)
    )
    assert expectations.of(*MUNICH, MAY).expected("Rara") is None


def test_who_records_one_species_only_says_nothing_about_others() -> None:
    expectations = learned(visits(EUROPEAN[:2], MUNICH, MAY, 400), visits(CALIFORNIAN, OAKLAND, MAY, 100))
    assert {expectations.of(*MUNICH, MAY).expected(name) for name in CALIFORNIAN} == {None}


def test_one_wrong_label_neither_makes_a_species_expected_nor_hides_that_it_is_not() -> None:
    wrong = visits(CALIFORNIAN[:1], MUNICH, MAY, 1, "B. Birder")
    expectations = learned(visits(EUROPEAN, MUNICH, MAY, 1500), visits(CALIFORNIAN, OAKLAND, MAY, 1500), wrong)
    assert expectations.of(*MUNICH, MAY).expected(CALIFORNIAN[0]) is False


def test_a_species_that_is_recorded_a_bit_further_away_is_not_unexpected() -> None:
    further = (51.0, 11.6)  # 320 km north
    expectations = learned(
        visits(EUROPEAN, MUNICH, MAY, 300),
        visits(["Avis vicina"], further, MAY, 40),
        visits(CALIFORNIAN, OAKLAND, MAY, 9),
    )
    assert expectations.of(*MUNICH, MAY).expected("Avis vicina") is None
    assert expectations.of(*further, MAY).expected("Avis vicina") is True


def test_a_visit_counts_less_the_further_away_it_is() -> None:
    expectations = learned(visits([SWIFT], MUNICH, MAY, 10))
    shifts = [0.0, 0.5, 1.0, 2.0, 4.0]
    nearby = [expectations.of(MUNICH[0] + shift, MUNICH[1], MAY).nearby for shift in shifts]
    assert nearby == sorted(nearby, reverse=True)
    assert nearby[0] == pytest.approx(10, rel=0.02)
    one_width = math.degrees(100 / 6371)
    centre = 48.125  # of the cell that Munich lies in
    assert expectations.of(centre + one_width, 11.625, MAY).nearby == pytest.approx(10 * math.exp(-0.5), rel=1e-4)


def test_a_visit_counts_less_in_another_season() -> None:
    expectations = learned(visits([SWIFT], MUNICH, MAY, 10))
    nearby = [expectations.of(*MUNICH, MAY + timedelta(days=days)).nearby for days in (0, 14, 28, 56, 180)]
    assert nearby == sorted(nearby, reverse=True)
    assert nearby[-1] < 1e-6


def test_the_year_has_no_seam() -> None:
    expectations = learned(visits([SWIFT], MUNICH, date(2024, 12, 31), 10))
    assert expectations.of(*MUNICH, date(2025, 1, 3)).nearby > 9


@pytest.mark.parametrize("place", [(10.0, 179.95), (90.0, 0.0), (-90.0, 123.0)])
def test_date_line_and_poles_are_like_any_place(place: tuple[float, float]) -> None:
    expectations = learned(visits([SWIFT], place, MAY, 10))
    latitude, longitude = place
    beyond = (latitude, -179.95) if longitude > 179 else (latitude, longitude - 170)
    for where in (place, beyond):
        assert expectations.of(*where, MAY).nearby > 8


def test_undated_recordings_count_for_a_place_and_unplaced_ones_for_a_season() -> None:
    expectations = learned(
        iter([Sighting("Sine die", *MUNICH, None)]), iter([Sighting("Sine loco", None, None, MAY)]), iter(())
    )
    assert expectations.of(*MUNICH, None).expected("Sine die") is True
    assert expectations.of(*MUNICH, MAY)["Sine die"].visits == 0
    assert expectations.of(None, None, MAY).expected("Sine loco") is True
    assert expectations.of(*MUNICH, None)["Sine loco"].visits == 0


def test_without_place_and_date_the_shares_of_the_library_are_told_and_nothing_is_expected(
    two_continents: Expectations,
) -> None:
    found = two_continents.of(None, None, None)
    assert found.nearby == 780
    assert found[SWIFT].share == pytest.approx(30 / 780)
    assert {one.expected for one in found.values()} == {None}


@pytest.mark.parametrize("place", [(None, None), MUNICH])
@pytest.mark.parametrize("day", [None, MAY])
def test_an_empty_library_knows_nothing(place: tuple[float | None, float | None], day: date | None) -> None:
    found = Expectations.empty().of(*place, day)
    assert (len(found), found.nearby, found.recorded(), found.expected(SWIFT)) == (0, 0, [], None)


@pytest.mark.parametrize(
    "place", [(48.1, None), (None, 11.6), (90.1, 0.0), (0.0, -180.1), (math.nan, 0.0), (0.0, math.inf)]
)
def test_what_is_no_place_is_refused(place: tuple[float | None, float | None]) -> None:
    with pytest.raises(InvalidInput):
        Expectations.empty().of(*place, MAY)


def test_the_recorded_species_come_by_their_share_then_by_name(two_continents: Expectations) -> None:
    found = two_continents.of(*AUGSBURG, JANUARY).recorded(0.001)
    assert {name for name, _ in found} == set(EUROPEAN)
    assert found == sorted(found, key=lambda one: (-one[1].share, one[0]))


def test_great_circles_are_as_long_as_they_are_known_to_be() -> None:
    here = unit_vectors([48.8566, -48.8566, 90.0], [2.3522, -177.6478, 0.0])  # Paris, its antipode, the pole
    np.testing.assert_allclose(distances_km(here, 48.8566, 2.3522), [0, np.pi * 6371, 4575], atol=1)
    assert distances_km(here, 51.5074, -0.1278)[0] == pytest.approx(343.6, abs=1)  # London


def test_recordings_without_a_place_are_near_no_place() -> None:
    expectations = learned(iter([Sighting(SWIFT, None, None, MAY)]))
    for latitude in (-90.0, 0.0, 90.0):
        assert expectations.of(latitude, -180.0, MAY).nearby == 0


def test_where_little_was_recorded_nothing_is_unexpected_though_much_was_all_around() -> None:
    around = (52.0, 11.6)  # 430 km north: seen by the wide kernel alone
    expectations = learned(visits(EUROPEAN, around, MAY, 2000), visits(CALIFORNIAN, OAKLAND, MAY, 2000))
    assert expectations.of(*around, MAY).expected(CALIFORNIAN[0]) is False
    assert expectations.of(*MUNICH, MAY).expected(CALIFORNIAN[0]) is None
