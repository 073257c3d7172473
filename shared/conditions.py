"""What searching a library and freezing a dataset both ask of a recording, as conditions on its row."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date

from sqlalchemy import ColumnElement, and_, extract, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.db.tables import Recording
from shared.errors import InvalidInput
from shared.licences import licence_of
from shared.species import folded

UNRATED, UNKNOWN = "unrated", "unknown"
MOST_SPELLINGS = 1_000

Condition = ColumnElement[bool]
Corners = tuple[float, float, float, float]
"""South, west, north and east in degrees; west > east crosses the date line."""


def of_quality(grades: Collection[str]) -> Condition:
    """One of `A` to `E`, or `unrated`."""
    rated = Recording.quality.in_([one for one in grades if one != UNRATED])
    return or_(rated, Recording.quality.is_(None)) if UNRATED in grades else rated


def under(session: Session, licences: Iterable[str]) -> Condition:
    """Under one of these licences, or of their families, however a source spelt it; `unknown` where none is named."""
    asked = [licence_of("" if one == UNKNOWN else one) for one in licences]

    def meant(text: str) -> bool:
        return any(one.covers(licence_of(text)) for one in asked)

    return Recording.licence.in_(_meant(session, Recording.licence, meant))


def without_no_derivatives(session: Session) -> Condition:
    return Recording.licence.not_in(_meant(session, Recording.licence, lambda text: licence_of(text).no_derivatives))


def in_countries(session: Session, names: Iterable[str]) -> Condition:
    """In any case of letters."""
    asked = {folded(one) for one in names}
    return Recording.country.in_(_meant(session, Recording.country, lambda text: folded(text) in asked))


def in_box(corners: Corners) -> Condition:
    south, west, north, east = corners
    sides = (Recording.longitude >= west, Recording.longitude <= east)
    return and_(Recording.latitude.between(south, north), and_(*sides) if west <= east else or_(*sides))


def recorded(first: date | None, last: date | None, months: Collection[int] | None) -> Iterator[Condition]:
    """Between two days, either of which may be open, and in these months of any year."""
    if first is not None:
        yield Recording.recorded_on >= first
    if last is not None:
        yield Recording.recorded_on <= last
    if months:
        yield extract("month", Recording.recorded_on).in_(set(months))


def spellings(session: Session, column: InstrumentedAttribute[str]) -> Iterator[str]:
    """The values of an indexed column; each is one look into the index, however many rows have it.

    (PostgreSQL's wiki calls it a loose index scan.)
    """
    first = select(func.min(column).label("value")).cte("spellings", recursive=True)
    following = select(func.min(column)).where(column > first.c.value).scalar_subquery()
    every = first.union_all(select(following).where(first.c.value.is_not(None)))
    yield from session.scalars(select(every.c.value).where(every.c.value.is_not(None)))


def _meant(session: Session, column: InstrumentedAttribute[str], meant: Callable[[str], bool]) -> list[str]:
    found = [value for value in spellings(session, column) if meant(value)]
    if len(found) > MOST_SPELLINGS:
        raise InvalidInput(
            f"{len(found):,} different spellings are meant, which is too many.", hint="Correct them, or ask for one."
        )
    return found
