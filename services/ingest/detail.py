"""All that is known of one recording: its origin, how it came in, and the first of what was found in it."""

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.ingest.stretches import SliceView, StretchView, Table, rows_after, slice_view, view_of
from services.ingest.views import RecordingView, recording_fields
from shared.db.tables import IngestionItem, Recording, Section, Slice

SHOWN = 1_000
"""How many sections and slices stand in the recording itself."""
ARRIVALS_SHOWN = 100


class Arrival(BaseModel):
    """An ingestion that brought a recording in, or met it again."""

    ingestion_id: str
    path: str
    outcome: str


class RecordingDetail(RecordingView):
    """The first thousand sections and slices, and how many there are; and where it came from, newest first."""

    ingestions: list[Arrival]
    section_count: int
    slice_count: int
    sections: list[StretchView]
    slices: list[SliceView]


def detail_of(session: Session, row: Recording) -> RecordingDetail:
    def some(table: Table) -> list[Section | Slice]:
        return rows_after(session, table, row.id, None, kind=None, limit=SHOWN)

    def many(table: Table) -> int:
        return session.scalar(select(func.count()).where(table.recording_id == row.id)) or 0

    return RecordingDetail(
        **recording_fields(row),
        ingestions=_arrivals(session, row.id),
        section_count=many(Section),
        slice_count=many(Slice),
        sections=[view_of(one) for one in some(Section)],
        slices=[slice_view(one) for one in some(Slice) if isinstance(one, Slice)],
    )


def _arrivals(session: Session, recording_id: str) -> list[Arrival]:
    query = (
        select(IngestionItem.ingestion_id, IngestionItem.path, IngestionItem.outcome)
        .where(IngestionItem.recording_id == recording_id)
        .order_by(IngestionItem.id.desc())
        .limit(ARRIVALS_SHOWN)
    )
    return [Arrival(ingestion_id=row[0], path=row[1], outcome=row[2]) for row in session.execute(query)]
