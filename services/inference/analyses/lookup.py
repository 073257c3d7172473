"""The analysis and the recording that a request names, for who may see them."""

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session, undefer
from sqlalchemy.orm.interfaces import ORMOption

from services.inference.analyses.keeping import json_of, result_of
from services.inference.results.model import RecordingResult
from shared.db.tables import Analysis, AnalysisRecording
from shared.errors import Conflict, NotFound
from shared.http.asked import MOST_INT
from shared.http.callers import Caller
from shared.http.pages import ID

WHO_SEES_ALL = frozenset({"ingest", "train"})
WHO_REMOVES_ALL = frozenset({"ingest"})


class NotHeardYet(Conflict):
    code = "not-heard-yet"
    title = "It has not been heard yet"


def visible(caller: Caller) -> ColumnElement[bool]:
    """Who reads the library sees all analyses; who may only classify those of the same key."""
    return true() if caller.may(WHO_SEES_ALL) else Analysis.made_by == caller.id


def analysis_of(session: Session, caller: Caller, analysis_id: str) -> Analysis:
    """Raises NotFound, also for one that the caller may not see."""
    query = select(Analysis).where(Analysis.id == analysis_id, Analysis.removed_at.is_(None), visible(caller))
    row = session.scalars(query).one_or_none() if ID.fullmatch(analysis_id) else None
    if row is None:
        raise NotFound(f"There is no analysis {analysis_id}.", hint="GET /analyses lists those that you may see.")
    return row


def recording_of(session: Session, analysis: Analysis, position: int) -> AnalysisRecording:
    """With its result. Raises NotFound."""
    return row_of(session, analysis, position, undefer(AnalysisRecording.result))


def row_of(session: Session, analysis: Analysis, position: int, *options: ORMOption) -> AnalysisRecording:
    """Without its result, which may be large. Raises NotFound."""
    row = None
    if 0 <= position <= MOST_INT:
        row = session.get(AnalysisRecording, (analysis.id, position), options=options)
    if row is None:
        raise NotFound(
            f"The analysis has no recording {position}.", hint=f"GET /analyses/{analysis.id}/recordings lists them."
        )
    return row


def require_json(row: AnalysisRecording) -> bytes:
    """The result as JSON: of a day it would take seconds to read and write it again. Raises NotHeardYet."""
    result = json_of(row)
    if result is None:
        raise _not_heard(row)
    return result


def require_heard(row: AnalysisRecording) -> RecordingResult:
    """Raises NotHeardYet, and Conflict for a recording that failed."""
    result = result_of(row)
    if result is None:
        raise _not_heard(row)
    if not isinstance(result, RecordingResult):
        raise Conflict(f"{row.file} could not be heard: {result.error}", hint="GET its /audio as it came.")
    return result


def _not_heard(row: AnalysisRecording) -> NotHeardYet:
    return NotHeardYet(
        f"{row.file} has not been heard yet.",
        hint=f"Follow /analyses/{row.analysis_id}/events and ask again; once it was cancelled, it will not be heard.",
    )


def count_of(session: Session, analysis: Analysis) -> int:
    query = select(func.count()).where(AnalysisRecording.analysis_id == analysis.id)
    return session.scalar(query) or 0
