"""One recording of the library, by the id that a request names."""

from sqlalchemy.orm import Session

from shared.db.tables import Recording
from shared.errors import NotFound
from shared.http.pages import ID


def find_recording(session: Session, recording_id: str) -> Recording:
    """Also one that is deleted. Raises NotFound."""
    row = session.get(Recording, recording_id) if ID.fullmatch(recording_id) else None
    if row is None:
        raise NotFound(f"There is no recording {recording_id}.", hint="GET /recordings lists them.")
    return row
