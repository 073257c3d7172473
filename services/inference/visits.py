"""The visits of the library, counted by cell, week and species in one statement, and whether they may have changed."""

import zlib
from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    case,
    cast,
    extract,
    func,
    literal,
    null,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.inference.cells import COLUMNS, NOWHERE, PER_DEGREE, ROWS
from services.inference.expectations import Counts
from services.inference.season import DAYS_BEFORE
from shared.db.tables import Recording

CHUNK = 20_000
_PLACED = and_(Recording.latitude.between(-90, 90), Recording.longitude.between(-180, 180))
_DATED = Recording.recorded_on.is_not(None)

Fingerprint = tuple[object, ...]


def read_counts(session: Session) -> Counts:
    """The visits with each species, and with any, of all recordings that are not deleted.

    A recording's species are its label, the others that sing in it, and those of its annotations. One whose recordist
    is not known counts as if all such were one person. Recordings with neither place nor date are left out. Memory
    grows with the rows of the result, 32 bytes each, never with recordings.
    """
    index: dict[str, int] = {}
    columns = (array("q"), array("q"), array("q"), array("q"))
    for chunk in session.execute(_counted(session), execution_options={"yield_per": CHUNK}).partitions():
        for cell, week, species, visits in chunk:
            of = -1 if species is None else index.setdefault(species, len(index))
            for column, value in zip(columns, (cell, week, of, visits), strict=True):
                column.append(value)
    cells, weeks, of_species, visited = [np.array(column, np.int64) for column in columns]
    of_species[of_species < 0] = len(index)
    return Counts(list(index), cells, weeks, of_species, visited.astype(np.float64))


def fingerprint(session: Session) -> Fingerprint:
    """What differs after recordings came, went, or had species, place or date corrected; from indices alone.

    It misses two corrections that cancel each other out, and those of recordists, secondary species and annotations.
    """
    labels = session.execute(
        select(Recording.label, func.count()).where(Recording.deleted_at.is_(None)).group_by(Recording.label)
    )
    days = session.execute(select(Recording.recorded_on, func.count()).group_by(Recording.recorded_on))
    # In thousandths of a degree, as whole numbers add up to the same in any order.
    parts = (func.sum(cast(degrees * 1000, Integer)) for degrees in (Recording.latitude, Recording.longitude))
    places = select(func.count(), *parts).where(_PLACED)
    newest = select(func.max(Recording.created_at))
    return (_digest(labels), _digest(days), *session.execute(places).one(), session.scalar(newest))


def _digest(rows: Iterable[Any]) -> int:
    return zlib.crc32(repr(sorted(map(str, rows))).encode())


def _counted(session: Session) -> Select[int, int, str | None, int]:
    """Rows of cell, week, species and visits; species is null for those with any."""
    seen = union(*_seen(session.get_bind().dialect.name)).cte("seen")
    where = (seen.c.cell, seen.c.week)
    with_species = select(*where, seen.c.species, func.count().label("visits")).group_by(*where, seen.c.species)
    visited = select(*where, seen.c.recordist, seen.c.recorded_on).distinct().subquery()
    with_any = select(visited.c.cell, visited.c.week, null().label("species"), func.count().label("visits")).group_by(
        visited.c.cell, visited.c.week
    )
    both = union_all(with_species, with_any).subquery()
    return select(both.c.cell, both.c.week, both.c.species, both.c.visits)


def _seen(dialect: str) -> list[Select[Any]]:
    """Distinct cell, week, recordist, day and species; the `union` makes them so."""
    if dialect == "sqlite":
        secondary = func.json_each(Recording.secondary).table_valued("value", name="secondary_one")
        marks = func.json_each(Recording.annotations).table_valued("value", name="mark")
        other: ColumnElement[str] = secondary.c.value
        marked: ColumnElement[str] = func.json_extract(marks.c.value, "$.species")
    else:
        secondary = func.jsonb_array_elements_text(Recording.secondary).table_valued("value", name="secondary_one")
        marks = func.jsonb_array_elements(Recording.annotations).table_valued("value", name="mark")
        other = secondary.c.value
        marked = func.jsonb_extract_path_text(marks.c.value, "species")
    return [
        _visit(Recording.label).where(Recording.label.is_not(None)),
        _visit(other).join_from(Recording, secondary, literal(True)).where(other != ""),
        _visit(marked).join_from(Recording, marks, literal(True)).where(marked != ""),
    ]


def _visit(species: ColumnElement[Any] | InstrumentedAttribute[Any]) -> Select[Any]:
    return select(
        case((_PLACED, _cell()), else_=NOWHERE).label("cell"),
        case((_DATED, _week()), else_=-1).label("week"),
        Recording.recordist,
        Recording.recorded_on,
        species.label("species"),
    ).where(Recording.deleted_at.is_(None), or_(_PLACED, _DATED))


def _cell() -> ColumnElement[int]:
    row = cast(func.floor((Recording.latitude + 90) * PER_DEGREE), Integer)
    column = cast(func.floor((Recording.longitude + 180) * PER_DEGREE), Integer)
    # The north pole belongs to the last row, 180 degrees east to the first column.
    return case((row >= ROWS, ROWS - 1), else_=row) * COLUMNS + column % COLUMNS


def _week() -> ColumnElement[int]:
    """As `season.week_of` has it."""
    month = cast(extract("month", Recording.recorded_on), Integer)
    day = cast(extract("day", Recording.recorded_on), Integer)
    before = case(dict(enumerate(DAYS_BEFORE, start=1)), value=month)
    return (before + day - 1) // 7
