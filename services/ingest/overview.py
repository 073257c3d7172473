"""What the library holds at a glance: places for a map, and values for lists to choose from."""

from collections import Counter

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.db.tables import Recording
from shared.filters import RecordingFilters, conditions
from shared.licences import licence_of

MOST_PLACES = 2_000
MOST_VALUES = 200


class PlacesQuery(RecordingFilters):
    cell: float = Field(1.0, ge=0.001, le=90, description="Degrees within which recordings count as one place")


class Place(BaseModel):
    """The middle of the recordings of one cell, and how many they are; `box` is the filter that names just them."""

    latitude: float
    longitude: float
    box: str
    recordings: int


class ValueCount(BaseModel):
    value: str
    recordings: int


class Values(BaseModel):
    """Those with most recordings, at most two hundred of each; empty ones are left out."""

    licence: list[ValueCount] = Field(description="By the name of the licence, however the sources spelt it")
    recordist: list[ValueCount]
    country: list[ValueCount]
    source: list[ValueCount]


def places_of(session: Session, wanted: PlacesQuery) -> list[Place]:
    """Those with most recordings first, at most two thousand.

    Raises:
        InvalidInput: as `filters.conditions`.
    """
    row, column = (func.round(degrees / wanted.cell) for degrees in (Recording.latitude, Recording.longitude))
    many = func.count()
    query = (
        select(
            func.avg(Recording.latitude),
            func.avg(Recording.longitude),
            many,
            func.min(Recording.latitude),
            func.min(Recording.longitude),
            func.max(Recording.latitude),
            func.max(Recording.longitude),
        )
        .where(*conditions(session, wanted), Recording.latitude.is_not(None), Recording.longitude.is_not(None))
        .group_by(row, column)
        .order_by(many.desc(), func.avg(Recording.latitude))
        .limit(MOST_PLACES)
    )
    return [
        Place(
            latitude=round(latitude, 4),
            longitude=round(longitude, 4),
            box=",".join(map(str, corners)),
            recordings=recordings,
        )
        for latitude, longitude, recordings, *corners in session.execute(query)
    ]


def values_of(session: Session, wanted: RecordingFilters) -> Values:
    """Raises InvalidInput: as `filters.conditions`."""
    licences: Counter[str] = Counter()
    for text, recordings in _counted(session, wanted, Recording.licence).items():
        licences[licence_of(text).name] += recordings
    return Values(
        licence=_first(licences),
        recordist=_first(_counted(session, wanted, Recording.recordist)),
        country=_first(_counted(session, wanted, Recording.country)),
        source=_first(_counted(session, wanted, Recording.source)),
    )


def _counted(session: Session, wanted: RecordingFilters, column: InstrumentedAttribute[str]) -> Counter[str]:
    query = select(column, func.count()).where(*conditions(session, wanted), column != "").group_by(column)
    counts: Counter[str] = Counter()
    for value, recordings in session.execute(query):
        counts[value] = recordings
    return counts


def _first(counts: Counter[str]) -> list[ValueCount]:
    return [ValueCount(value=value, recordings=recordings) for value, recordings in counts.most_common(MOST_VALUES)]
