"""Which species are expected at a place in a season, by what the library holds of them.

What is counted are *visits*: a recordist on one day in one cell of a quarter of a degree. A series of fifty recordings
of one bird on one morning is one visit with that species. The share of a species is that of the nearby visits in which
it was recorded, near ones counting more (Gaussian kernels over distance and season). It says what people brought home,
not how likely the bird is there: they record what sings, what is rare and what they like, and keep what they came for.
It is no probability of occurrence.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from services.inference.cells import NOWHERE, distances_km, middles
from services.inference.season import days_to_weeks
from shared.errors import InvalidInput

REACH = 3.0
"""Kernels end at so many of their widths, where they are 0.011."""


@dataclass(frozen=True)
class Bounds:
    """When a species counts as expected or unexpected; `bench/places.py` measures what they do."""

    width_km: float = 100.0
    width_days: float = 21.0
    """Standard deviations of the kernels."""
    wide_km: float = 300.0
    wide_days: float = 30.0
    """And of wider ones: a species is unexpected only where it is missing from all around, for some weeks."""
    expected_visits: float = 0.5
    expected_share: float = 0.01
    """A species is expected when it has at least so many nearby visits and such a share of them."""
    typical_visits: float = 8.0
    """It is unexpected only where so many visits all around would have it, were it here as it is in the whole library.
    Chance alone makes none of eight once in three thousand times."""
    absent_share: float = 0.02
    absent_visits: float = 0.5
    """And only where hardly any has it: less than this part of what would be typical, or than so many visits, whichever
    is more. One wrong label in a large library changes nothing."""
    nearby_visits: float = 10.0
    diversity: float = 5.0
    """And only where so much was recorded nearby, of so many species (inverse Simpson index): who records one species
    all year says nothing about the others."""


@dataclass(frozen=True)
class Counts:
    """Visits by cell, week and species. Arrays are (rows,); each combination has one row at most."""

    species: Sequence[str]
    cell: npt.NDArray[np.int64]
    """As `cells.middles` numbers them; NOWHERE without a place."""
    week: npt.NDArray[np.int64]
    """0 to 52; -1 without a date."""
    of: npt.NDArray[np.int64]
    """Index of the species; `len(species)` for visits with any species."""
    visits: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Expectation:
    """What is known of a species at a place in a season."""

    expected: bool | None
    """None: too little is known."""
    share: float
    """Of the nearby visits, 0 to 1, those in which it was recorded; no probability of occurrence."""
    visits: float
    """Nearby visits in which it was recorded, each weighted by how near it is, 0 to 1."""
    nearby: float
    """Nearby visits with any species, weighted so: how much stands behind the share."""


class Local(Mapping[str, Expectation]):
    """The expectations of every species of the library at one place and season."""

    def __init__(
        self, index: Mapping[str, int], expected: npt.NDArray[np.int8], visits: npt.NDArray[np.float64], nearby: float
    ) -> None:
        self.nearby = nearby
        self._index = index
        self._expected = expected
        self._visits = visits

    def __getitem__(self, species: str) -> Expectation:
        """Raises KeyError for a species of which the library has nothing; `expected` does not."""
        at = self._index[species]
        state, visits = int(self._expected[at]), float(self._visits[at])
        share = min(1.0, visits / self.nearby) if self.nearby > 0 else 0.0
        return Expectation(None if state == 0 else state > 0, share, visits, self.nearby)

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def expected(self, species: str) -> bool | None:
        """Whether a species is expected; None where that is not known, as of one that the library does not have."""
        return self[species].expected if species in self._index else None

    def recorded(self, least_share: float = 0.0) -> list[tuple[str, Expectation]]:
        """The species that were recorded nearby with more than this share, the largest first, then by name."""
        names = list(self._index)
        there = np.flatnonzero(self._visits > least_share * self.nearby)
        found = [(names[at], self[names[at]]) for at in there]
        return sorted(found, key=lambda one: (-one[1].share, one[0]))


class Expectations:
    """The library's visits, ready to be asked about any place and date."""

    def __init__(self, counts: Counts, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.index = {name: at for at, name in enumerate(counts.species)}
        order = np.argsort(counts.cell, kind="stable")
        cells, starts = np.unique(counts.cell[order], return_index=True)
        self._placed = cells != NOWHERE
        self._middles = middles(cells)
        self._starts = starts
        self._lengths = np.diff(np.append(starts, len(order)))
        self._week = counts.week[order].astype(np.int8)
        self._of = counts.of[order].astype(np.int32)
        self._visits = counts.visits[order].astype(np.float32)
        totals = np.bincount(counts.of, counts.visits, minlength=len(self.index) + 1)
        self.visits = float(totals[-1])
        """Visits in the whole library."""
        self._overall = totals[:-1] / max(self.visits, 1.0)

    @classmethod
    def empty(cls) -> "Expectations":
        none = np.zeros(0, np.int64)
        return cls(Counts((), none, none, none, none.astype(np.float64)))

    def of(self, latitude: float | None, longitude: float | None, day: date | None) -> Local:
        """The expectations at a place (degrees) on a day.

        Without a day those of the whole year, without a place those of the season anywhere; without both the shares of
        the whole library, where nothing is expected or unexpected.

        Raises:
            InvalidInput: for half a place, or one that is not on the Earth.
        """
        check_place(latitude, longitude)
        near, wide = self._visits_around(latitude, longitude, day)
        visits, nearby = near[:-1], float(near[-1])
        if latitude is None and day is None:
            return Local(self.index, np.zeros(len(visits), np.int8), visits, nearby)
        unexpected = self._unexpected(visits, nearby, wide)
        expected = (visits >= self.bounds.expected_visits) & (visits >= self.bounds.expected_share * nearby)
        return Local(self.index, expected.astype(np.int8) - unexpected.astype(np.int8), visits, nearby)

    def _unexpected(
        self, visits: npt.NDArray[np.float64], nearby: float, wide: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.bool_]:
        bounds = self.bounds
        much = nearby >= bounds.nearby_visits and _inverse_simpson(visits) >= bounds.diversity
        typical = wide[-1] * self._overall
        few = np.maximum(bounds.absent_visits, bounds.absent_share * typical)
        found: npt.NDArray[np.bool_] = (typical >= bounds.typical_visits) & (wide[:-1] < few) & much
        return found

    def _visits_around(
        self, latitude: float | None, longitude: float | None, day: date | None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Weighted visits of each species and, last, of any; with the kernels, and with wider ones."""
        bounds = self.bounds
        places: npt.NDArray[np.intp] = np.arange(len(self._starts))
        away: npt.NDArray[np.float64] = np.zeros(len(places))
        if latitude is not None and longitude is not None:
            away = distances_km(self._middles, latitude, longitude)
            reach = REACH * max(bounds.width_km, bounds.wide_km)
            places = np.flatnonzero(self._placed & (away < reach))
            away = away[places]
        rows, lengths = self._rows_of(places)
        week, of, visits = self._week[rows], self._of[rows], self._visits[rows]
        found: list[npt.NDArray[np.float64]] = []
        for width_km, width_days in ((bounds.width_km, bounds.width_days), (bounds.wide_km, bounds.wide_days)):
            weight = np.repeat(_gaussian(away / width_km), lengths) * visits
            if day is not None:
                # What has no date counts, as week -1, for no season.
                weight *= np.append(_gaussian(days_to_weeks(day) / width_days), 0.0)[week]
            sums = np.bincount(of, weight, minlength=len(self.index) + 1)
            found.append(sums.astype(np.float64))
        return found[0], found[1]

    def _rows_of(self, places: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """The rows of cells, one cell after the other, and how many each has."""
        lengths = self._lengths[places]
        ends = np.cumsum(lengths)
        shift = np.repeat(self._starts[places] - (ends - lengths), lengths)
        return np.arange(int(lengths.sum())) + shift, lengths


def check_place(latitude: float | None, longitude: float | None) -> None:
    """Raises InvalidInput for half a place, or one that is not on the Earth."""
    if (latitude is None) != (longitude is None):
        raise InvalidInput("A place has a latitude and a longitude.", hint="Send both, or neither.")
    for name, degrees, most in (("latitude", latitude, 90), ("longitude", longitude, 180)):
        if degrees is not None and not (math.isfinite(degrees) and -most <= degrees <= most):
            raise InvalidInput(f"There is no {name} of {degrees} degrees.", hint=f"It lies within {most} degrees.")


def _gaussian(widths: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    weights: npt.NDArray[np.float64] = np.exp(-0.5 * widths**2)
    return weights


def _inverse_simpson(visits: npt.NDArray[np.float64]) -> float:
    """How many equally common species would be as diverse; 0 for none."""
    squares = float(np.square(visits).sum())
    return float(visits.sum()) ** 2 / squares if squares > 0 else 0.0
