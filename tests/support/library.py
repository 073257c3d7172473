"""Recordings for a test's library, as rows that need no file."""

import hashlib
from collections.abc import Iterator
from itertools import count

from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.db.tables import Recording, Species

_numbers: Iterator[int] = count()


def add_recording(sessions: SyncSessions, label: str | None = None, **values: object) -> str:
    """The id of a new recording; its species is there too."""
    number = next(_numbers)
    with sessions.begin() as session:
        if label is not None and session.get(Species, label) is None:
            session.add(Species(scientific_name=label))
            session.flush()
        known = {
            "sha256": hashlib.sha256(str(number).encode()).hexdigest(),
            "original_key": f"originals/{number}.wav",
            "original_name": f"{number}.wav",
            "size": 1,
            "source": "folder",
            "label": label,
            "prepared_at": now(),
        }
        row = Recording(**{**known, **values})
        session.add(row)
        session.flush()
        return row.id
