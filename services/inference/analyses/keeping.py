"""Results as rows keep them, one for each recording, and all of them again, one after the other."""

import zlib
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from services.inference.results.model import FailedRecording, Result
from shared.db.base import now
from shared.db.engine import sync_engine, sync_sessions
from shared.db.tables import Analysis, AnalysisRecording
from shared.errors import NotFound
from shared.settings import Settings

TOP = 3
ROWS_AT_ONCE = 16
"""Whose results are in memory at once, compressed."""
_RESULT: TypeAdapter[Result] = TypeAdapter(Result)


def present(session: Session, analysis_id: str) -> Analysis:
    """The analysis that a job is of. Raises NotFound when somebody has removed it since."""
    analysis = session.get(Analysis, analysis_id)
    if analysis is None or analysis.removed_at is not None:
        raise gone(analysis_id)
    return analysis


def gone(analysis_id: str) -> NotFound:
    return NotFound(f"The analysis {analysis_id} was removed.", hint="POST /analyses begins another.")


def kept(result: Result) -> dict[str, Any]:
    """The columns of a recording that was heard."""
    columns: dict[str, Any] = {"heard_at": now(), "result": zlib.compress(result.model_dump_json().encode())}
    if isinstance(result, FailedRecording):
        return columns | {"outcome": "failed", "error_code": result.code, "error": result.error}
    return columns | {
        "outcome": result.outcome,
        "seconds": result.seconds,
        "detections": len(result.detections),
        "top": [one.model_dump(mode="json") for one in result.ranking[:TOP]],
    }


def json_of(row: AnalysisRecording) -> bytes | None:
    """The result as JSON; None while it waits. The row has its `result` loaded."""
    return None if row.result is None else zlib.decompress(row.result)


def result_of(row: AnalysisRecording) -> Result | None:
    """The same, read."""
    found = json_of(row)
    return None if found is None else _RESULT.validate_json(found)


def results(settings: Settings, analysis_id: str) -> Iterator[tuple[int, Result]]:
    """The position and result of each recording that has been heard, in order; for a thread of its own.

    Of few at a time, in a transaction of their own: a client that reads slowly holds no snapshot of the database.

    Raises NotFound where the analysis is removed meanwhile: what was given until then is not all.
    """
    engine = sync_engine(settings)
    sessions = sync_sessions(engine.execution_options(reads_only=True))
    query = (
        select(AnalysisRecording)
        .where(AnalysisRecording.analysis_id == analysis_id, AnalysisRecording.outcome != "waiting")
        .order_by(AnalysisRecording.position)
        .options(undefer(AnalysisRecording.result))
        .limit(ROWS_AT_ONCE)
    )
    last = -1
    try:
        while True:
            with sessions() as session:
                rows = list(session.scalars(query.where(AnalysisRecording.position > last)))
                present(session, analysis_id)
            if not rows:
                return
            for row in rows:
                if (result := result_of(row)) is not None:
                    yield row.position, result
            last = rows[-1].position
    finally:
        engine.dispose()
