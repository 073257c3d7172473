"""The job that removes what is left of an analysis that nobody sees any more: uploads first, then its rows."""

from sqlalchemy import delete, select

from services.inference.analyses.requests import UPLOAD
from shared.db.tables import Analysis, AnalysisRecording
from shared.worker import JobContext

REMOVE = "inference.remove"
ROWS_AT_ONCE = 200


def remove(context: JobContext) -> None:
    """Safe to run again: rows go when their files are gone."""
    analysis_id: str = context.payload["analysis_id"]
    with context.sessions() as session:
        analysis = session.get(Analysis, analysis_id)
    if analysis is None:
        return
    mine = AnalysisRecording.analysis_id == analysis_id
    uploaded = analysis.source == UPLOAD
    removed = 0
    columns = select(AnalysisRecording.position, AnalysisRecording.storage_key)
    query = columns.where(mine).order_by(AnalysisRecording.position).limit(ROWS_AT_ONCE)
    while True:
        with context.sessions() as session:
            rows = session.execute(query).all()
        if not rows:
            break
        for row in rows if uploaded else ():
            if row.storage_key is not None:
                context.storage.delete(row.storage_key)
        with context.transaction() as session:
            session.execute(delete(AnalysisRecording).where(mine, AnalysisRecording.position <= rows[-1].position))
        removed += len(rows)
        context.progress(removed, None, f"{removed:,} recordings removed")
    with context.completion({"recordings": removed}) as session:
        session.execute(delete(Analysis).where(Analysis.id == analysis_id))
