"""Sections and slices of a recording, page by page: a day of birds has hundreds of thousands of them. In seconds."""

import base64
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import literal, select, tuple_
from sqlalchemy.orm import Session

from shared.audio.constants import SAMPLE_RATE
from shared.db.tables import Section, Slice
from shared.errors import InvalidInput
from shared.http.pages import Page

LAST_SAMPLE = 2**31 - 1
CURSOR = re.compile(r"([0-9]{1,10})\|(signal|noise)\|([^\x00]{0,500})", re.DOTALL)

Table = type[Section] | type[Slice]


class StretchView(BaseModel):
    kind: str
    species: str = Field(description="Whose signal it is where a person marked another species; else empty")
    start: float
    end: float


class SliceView(StretchView):
    signal_fraction: float


class StretchQuery(BaseModel):
    """Which of a recording's sections or slices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["signal", "noise"] | None = None
    limit: int = Field(500, ge=1, le=5_000, description="How many to return at most; CSV has all of them")
    cursor: Annotated[str, Field(max_length=3_000)] | None = Field(
        None, description="`next` of the page before", json_schema_extra={"format": "place-cursor"}
    )


@dataclass(frozen=True)
class Place:
    """After which one a page begins."""

    start: int
    kind: str
    label: str

    @classmethod
    def of(cls, row: Section | Slice) -> "Place":
        return cls(row.start, row.kind, row.label)

    @classmethod
    def read(cls, cursor: str) -> "Place":
        """Raises InvalidInput."""
        try:
            found = CURSOR.fullmatch(base64.urlsafe_b64decode(cursor.encode()).decode())
        except ValueError:
            found = None
        if found is None or int(found[1]) > LAST_SAMPLE:
            raise InvalidInput("The cursor is not one that this service gave out.", hint="Leave it out to start anew.")
        return cls(int(found[1]), found[2], found[3])

    def written(self) -> str:
        return base64.urlsafe_b64encode(f"{self.start}|{self.kind}|{self.label}".encode()).decode()


def rows_after(
    session: Session, table: Table, recording_id: str, place: Place | None, *, kind: str | None, limit: int
) -> list[Section | Slice]:
    """In order of time, straight from the index."""
    query = select(table).where(table.recording_id == recording_id)
    if kind is not None:
        query = query.where(table.kind == kind)
    if place is not None:
        after = tuple_(literal(place.start), literal(place.kind), literal(place.label))
        query = query.where(tuple_(table.start, table.kind, table.label) > after)
    return list(session.scalars(query.order_by(table.start, table.kind, table.label).limit(limit)))


def stretch_page(session: Session, table: Table, recording_id: str, query: StretchQuery) -> Page[Any]:
    place = Place.read(query.cursor) if query.cursor else None
    rows = rows_after(session, table, recording_id, place, kind=query.kind, limit=query.limit + 1)
    more = len(rows) > query.limit
    shown = rows[: query.limit]
    return Page(items=[view_of(row) for row in shown], next=Place.of(shown[-1]).written() if more else None)


def view_of(row: Section | Slice) -> StretchView:
    return slice_view(row) if isinstance(row, Slice) else section_view(row)


def section_view(row: Section) -> StretchView:
    return StretchView(kind=row.kind, species=row.label, start=_seconds(row.start), end=_seconds(row.end))


def slice_view(row: Slice) -> SliceView:
    return SliceView(
        kind=row.kind,
        species=row.label,
        start=_seconds(row.start),
        end=_seconds(row.start + row.length),
        signal_fraction=round(row.signal_fraction, 4),
    )


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 4)
