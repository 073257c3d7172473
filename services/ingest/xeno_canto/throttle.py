"""One request at a time, with a pause between two, however many processes ask: the turns are given by the database."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.db.tables import Throttle

LONGEST_HOLD_SECONDS = 3_600.0
"""No server's wish is followed for longer; a turn that lies further away was written by a clock that was wrong."""


def reserve(sessions: SyncSessions, name: str, interval: float) -> float:
    """Takes the next free turn. Returns in how many seconds it is."""
    return _move(sessions, name, wait=0.0, interval=interval)


def hold(sessions: SyncSessions, name: str, seconds: float) -> None:
    """Lets nobody have a turn for so long, up to an hour."""
    _move(sessions, name, wait=min(seconds, LONGEST_HOLD_SECONDS), interval=0.0)


def _move(sessions: SyncSessions, name: str, *, wait: float, interval: float) -> float:
    while True:
        with sessions.begin() as session:
            moment = _moment(session)
            seen = session.scalar(select(Throttle.next_at).where(Throttle.name == name))
            turn = moment + timedelta(seconds=wait)
            if seen is not None and seen <= moment + timedelta(seconds=LONGEST_HOLD_SECONDS + 60):
                turn = max(turn, seen)
            if _written(session, name, seen, turn + timedelta(seconds=interval)):
                return (turn - moment).total_seconds()


def _written(session: Session, name: str, seen: datetime | None, next_at: datetime) -> bool:
    """Whether nobody else was faster."""
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    insert = (postgresql.insert if on_postgresql else sqlite.insert)(Throttle).values(name=name, next_at=next_at)
    upsert = insert.on_conflict_do_update(
        index_elements=["name"], set_={"next_at": next_at}, where=Throttle.next_at == seen
    )
    return session.execute(upsert.returning(Throttle.name)).one_or_none() is not None


def _moment(session: Session) -> datetime:
    """By the clock that all share: the server's, or with SQLite that of the one machine."""
    if session.get_bind().dialect.name == "postgresql":
        moment: datetime = session.scalars(select(func.clock_timestamp())).one()
        return moment
    return now()
