"""A made-up library: birds, recordists and visits on two continents, where it is known who lives where and when.

Species have ranges, abundances and seasons; recordists have homes, favourites and very unequal zeal, and record most in
spring. None of it is learned from real birds: what is measured on it shows how bounds behave, not how birds do.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from services.inference.cells import distances_km, unit_vectors
from tests.support.visits import Sighting

Floats = npt.NDArray[np.float64]

OWN, SHARED = 80, 8
"""Species of each continent, and of both."""
REGIONS = {"europe": (38.0, 60.0, -8.0, 25.0), "west america": (33.0, 49.0, -123.0, -105.0)}
"""South, north, west, east in degrees."""
LEAST_PRESENCE = 0.01


@dataclass(frozen=True)
class Birds:
    """The species of one continent; arrays are (species,) or, of unit vectors, (species, 3)."""

    names: list[str]
    centres: Floats
    radius_km: Floats
    abundance: Floats
    arrives: Floats
    leaves: Floats
    """Days of the year; a bird that stays all year arrives on day -inf."""

    def presence(self, latitude: float, longitude: float, day: int) -> Floats:
        away = distances_km(self.centres, latitude, longitude)
        near = np.exp(-0.5 * (away / self.radius_km) ** 2)
        # Migrants come and go within some ten days; far out of a range or season there are none.
        here = near / (1 + np.exp((self.arrives - day) / 4)) / (1 + np.exp((day - self.leaves) / 4))
        return np.where(here < LEAST_PRESENCE, 0.0, here * self.abundance)


@dataclass(frozen=True)
class Visit:
    region: str
    sightings: list[Sighting]


def make_birds(region: str, random: np.random.Generator) -> Birds:
    south, north, west, east = REGIONS[region]
    count = OWN + SHARED
    summer = random.random(count) < 0.3
    return Birds(
        names=[f"{region} {number}" for number in range(OWN)] + [f"both {number}" for number in range(SHARED)],
        centres=unit_vectors(random.uniform(south, north, count), random.uniform(west, east, count)),
        radius_km=random.lognormal(math.log(700), 0.7, count),
        abundance=random.lognormal(0, 1.2, count),
        arrives=np.where(summer, random.normal(110, 10, count), -np.inf),
        leaves=np.where(summer, random.normal(255, 15, count), np.inf),
    )


def make_visits(region: str, birds: Birds, recordists: int, random: np.random.Generator) -> list[list[Visit]]:
    """The visits of each recordist."""
    south, north, west, east = REGIONS[region]
    made = []
    for number in range(recordists):
        home = random.uniform(south, north), random.uniform(west, east)
        favour = random.lognormal(0, 1.0, len(birds.names))
        zeal = min(400, 1 + int(12 * random.pareto(1.2)))
        visits = (_visit(region, birds, f"{region} {number}", home, favour, random) for _ in range(zeal))
        made.append([visit for visit in visits if visit.sightings])
    return made


def _visit(
    region: str,
    birds: Birds,
    recordist: str,
    home: tuple[float, float],
    favour: Floats,
    random: np.random.Generator,
) -> Visit:
    reach = 30 if random.random() < 0.85 else 300
    latitude = home[0] + random.normal(0, reach / 111)
    longitude = home[1] + random.normal(0, reach / 111 / math.cos(math.radians(home[0])))
    spring = random.random() < 0.7
    day = int(random.normal(130, 30) if spring else random.uniform(0, 365)) % 365
    weights = birds.presence(latitude, longitude, day) * favour
    there = np.flatnonzero(weights)
    if not len(there):
        return Visit(region, [])
    count = min(len(there), 1 + random.poisson(1.5))
    heard = random.choice(there, count, replace=False, p=weights[there] / weights[there].sum())
    on = date(2000 + int(random.integers(25)), 1, 1) + timedelta(days=day)
    # Most make several recordings of a bird that sings well.
    return Visit(
        region,
        [
            Sighting(birds.names[at], latitude, longitude, on, recordist)
            for at in heard
            for _ in range(int(random.geometric(0.4)))
        ],
    )
