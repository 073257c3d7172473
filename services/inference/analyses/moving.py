"""What is told of analyses that move, to pages that list them."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi.sse import ServerSentEvent
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.inference.analyses.lookup import visible
from services.inference.analyses.removing import REMOVE
from services.inference.analyses.views import analysis_view
from shared.db.tables import Analysis
from shared.http.callers import Caller
from shared.http.moves import Moved, reload

MOST_TOLD = 20
"""Where more analyses have moved within a second, the page asks for those that it shows."""


@dataclass(frozen=True)
class AnalysisTeller:
    """Tells of the analyses that this caller sees."""

    caller: Caller

    def __call__(self, session: Session, moved: list[Moved] | None) -> Iterator[ServerSentEvent]:
        if moved is None or any(one.kind == REMOVE for one in moved):
            yield reload()
            return
        jobs = {one.parent_id or one.id for one in moved if one.kind.startswith("inference.")}
        query = select(Analysis).where(Analysis.job_id.in_(jobs), Analysis.removed_at.is_(None), visible(self.caller))
        rows = session.scalars(query.limit(MOST_TOLD + 1)).all() if jobs else []
        if len(rows) > MOST_TOLD:
            yield reload()
        elif rows:
            told = [analysis_view(session, row).model_dump(mode="json") for row in rows]
            yield ServerSentEvent(event="analyses", data=told)
