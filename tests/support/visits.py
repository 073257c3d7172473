"""Visits counted without a database, as `services.inference.visits` has a database count them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np

from services.inference.cells import COLUMNS, NOWHERE, PER_DEGREE, ROWS
from services.inference.expectations import Counts
from services.inference.season import week_of


@dataclass(frozen=True)
class Sighting:
    """A species in a recording."""

    species: str
    latitude: float | None
    longitude: float | None
    day: date | None
    recordist: str = ""

    @property
    def cell(self) -> int:
        if self.latitude is None or self.longitude is None:
            return NOWHERE
        row = min(int((self.latitude + 90) * PER_DEGREE), ROWS - 1)
        return row * COLUMNS + int((self.longitude + 180) * PER_DEGREE) % COLUMNS

    @property
    def week(self) -> int:
        return -1 if self.day is None else week_of(self.day)


def count_visits(sightings: Iterable[Sighting]) -> Counts:
    """Of sightings that all have a place or a date."""
    all_of_them = list(sightings)
    names = sorted({one.species for one in all_of_them})
    index = {name: at for at, name in enumerate(names)}
    visits = {(one.cell, one.week, one.recordist, one.day, index[one.species]) for one in all_of_them}
    visits |= {(cell, week, recordist, day, len(names)) for cell, week, recordist, day, _ in visits}
    rows = Counter((cell, week, of) for cell, week, _, _, of in visits)
    cells, weeks, of = np.array(list(rows), np.int64).reshape(-1, 3).T
    return Counts(names, cells, weeks, of, np.array(list(rows.values()), np.float64))
