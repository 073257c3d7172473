"""Back-pressure on imports: what is too much waits outside, and says why; nothing fails for want of room."""

from services.ingest.taking import PREPARE
from shared import jobs
from shared.storage import shortage
from shared.worker import JobContext, Postponed

POSTPONED_SECONDS = 15.0


def make_room(context: JobContext) -> None:
    """Before an import takes its next file.

    Raises:
        Postponed: while the disk is nearly full, or more recordings wait to be prepared than the operator allows.
    """
    if reason := shortage(context.storage, context.settings):
        raise Postponed(f"Paused: {reason}", seconds=POSTPONED_SECONDS)
    with context.sessions() as session:
        limit = context.settings.max_waiting
        if jobs.waiting(session, jobs.queue_of(PREPARE), at_most=limit) >= limit:
            raise Postponed(f"Paused: {limit:,} recordings wait to be prepared.", seconds=POSTPONED_SECONDS)
