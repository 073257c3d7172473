"""The job that has recordings prepared anew: it queues some, and more when there is room; never a million at once."""

from typing import Any

from sqlalchemy import Select, func, or_, select

from services.ingest.pressure import make_room
from services.ingest.taking import PREPARE
from shared import jobs
from shared.db.tables import Job, Recording
from shared.worker import JobContext

PREPARE_ANEW = "ingest.prepare_anew"
AT_ONCE = 100


def prepare_anew(context: JobContext) -> None:
    """Queues each recording that is due once, in the order of their ids. Run again, it goes on behind the last one."""
    preset: str = context.payload["preset"]
    due = _due(preset, only_other=context.payload["only_other"])
    with context.sessions() as session:
        mine = Job.parent_id == context.claim.job_id
        recording_id = Job.payload["recording_id"].as_string()
        done, last = session.execute(select(func.count(), func.max(recording_id)).where(mine)).one()
        left = session.scalar(due.where(Recording.id > (last or "")).with_only_columns(func.count())) or 0
    total = done + left
    while True:
        context.progress(done, max(total, done + 1), f"{done:,} recordings queued")
        make_room(context)
        with context.transaction() as session:
            ids = session.scalars(due.where(Recording.id > (last or "")).order_by(Recording.id).limit(AT_ONCE)).all()
            for one in ids:
                jobs.submit(
                    session,
                    PREPARE,
                    {"recording_id": one, "preset": preset},
                    max_attempts=context.settings.max_attempts,
                    priority=jobs.Priority.BULK,
                    parent_id=context.claim.job_id,
                )
        if not ids:
            break
        done, last = done + len(ids), ids[-1]
    context.progress(done, done, "")
    with context.completion({"recordings": done}):
        pass


def _due(preset: str, *, only_other: bool) -> Select[Any]:
    """Also those that were never prepared and have no job for it: it was cancelled, or it died."""
    under_way = select(Job.payload["recording_id"].as_string()).where(
        Job.kind == PREPARE, Job.state.in_(("queued", "running"))
    )
    prepared = Recording.prepared_at.is_not(None)
    query = select(Recording.id).where(
        Recording.deleted_at.is_(None), or_(prepared, Recording.id.not_in(under_way.scalar_subquery()))
    )
    if only_other:
        another = or_(Recording.segmentation.is_(None), Recording.segmentation.not_in((preset, "given")))
        query = query.where(or_(Recording.prepared_at.is_(None), another))
    return query
