"""`GET /species/expected`: which species the library lets expect at a place in a season."""

import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from services.inference.places import Places
from shared.db.tables import Species
from shared.errors import InvalidInput
from shared.http.asked import Day
from shared.http.auth import needs
from shared.http.resources import Reads

LEAST_SHARE = 0.001
"""A species with less is not listed."""


async def get_places(request: Request) -> Places:
    places: Places = request.app.state.places
    return places


Placed = Annotated[Places, Depends(get_places)]

router = APIRouter(tags=["species"], dependencies=[needs("classify", "ingest", "train")])


class ExpectedQuery(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    latitude: float | None = Field(None, ge=-90, le=90, allow_inf_nan=False, description="In degrees, with a longitude")
    longitude: float | None = Field(None, ge=-180, le=180, allow_inf_nan=False)
    date: Day | None = Field(None, description="Any day of the season; left out: the whole year")
    limit: int = Field(100, ge=1, le=10_000, description="How many species to return at most")


class ExpectedSpecies(BaseModel):
    """A species that was recorded nearby in the season."""

    species: str
    common_name: str
    expected: bool | None = Field(description="null where too little is known to say")
    share: float = Field(ge=0, le=1, description="Of the nearby visits, those with it; no probability of occurrence")
    visits: float = Field(description="Nearby visits with it, weighted by how near they are")


class ExpectedHere(BaseModel):
    """The species that were recorded nearby in the season, the largest share first.

    A visit is a recordist on one day in one cell of a quarter of a degree.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "latitude": 48.1,
                    "longitude": 11.6,
                    "date": "2026-05-04",
                    "nearby_visits": 212.4,
                    "learned_at": "2026-05-04T06:10:00Z",
                    "note": "",
                    "species": [
                        {
                            "species": "Phylloscopus collybita",
                            "common_name": "Common Chiffchaff",
                            "expected": True,
                            "share": 0.21,
                            "visits": 44.6,
                        }
                    ],
                }
            ]
        }
    )

    latitude: float | None
    longitude: float | None
    date: datetime.date | None
    nearby_visits: float = Field(description="With any species, weighted by how near they are: what stands behind it")
    learned_at: datetime.datetime | None = Field(description="When the library was read; null before the first time")
    note: str = Field(description="Why there are no species, or why none is called expected; else empty")
    species: list[ExpectedSpecies]


@router.get("/species/expected", summary="Which species are likely at a place in a season?")
async def list_expected(wanted: Annotated[ExpectedQuery, Query()], places: Placed, reads: Reads) -> ExpectedHere:
    """By what the library holds of them. A place without a date, and a date without a place, are possible too.

    See docs/places.md for what the figures mean and what they do not.
    """
    if wanted.latitude is None and wanted.longitude is None and wanted.date is None:
        raise InvalidInput("Where or when?", hint="Send latitude and longitude, a date, or all three.")
    local = places.expectations.of(wanted.latitude, wanted.longitude, wanted.date)
    found = local.recorded(LEAST_SHARE)[: wanted.limit]
    names = await _common_names(reads, [name for name, _ in found])
    return ExpectedHere(
        latitude=wanted.latitude,
        longitude=wanted.longitude,
        date=wanted.date,
        nearby_visits=round(local.nearby, 2),
        learned_at=places.learned_at,
        note=_note(places, found=bool(found)),
        species=[
            ExpectedSpecies(
                species=name,
                common_name=names.get(name, ""),
                expected=one.expected,
                share=round(one.share, 4),
                visits=round(one.visits, 2),
            )
            for name, one in found
        ],
    )


def _note(places: Places, *, found: bool) -> str:
    if places.learned_at is None:
        return "The library is still being read for places and dates; try again in a moment."
    if not places.expectations.visits:
        return "No recording of the library has a place or a date yet, so nothing is known."
    return "" if found else "Nothing was recorded near this place in this season, so nothing is known."


async def _common_names(reads: Reads, species: list[str]) -> dict[str, str]:
    # As many as `limit` allows: fewer than a statement may have parameters.
    query = select(Species.scientific_name, Species.common_name).where(Species.scientific_name.in_(species))
    async with reads() as session:
        return {row.scientific_name: row.common_name for row in await session.execute(query)}
