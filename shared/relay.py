"""`python -m shared.relay`: rings the doorbells of queued jobs, takes jobs back from dead workers, keeps house."""

import signal
import threading
from datetime import timedelta
from pathlib import Path

from celery import Celery
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from shared import alive, jobs
from shared.db.base import now
from shared.db.engine import SyncSessions, sync_engine, sync_sessions
from shared.housekeeping import forget_old_answers, make_room
from shared.log import configure_logging, get_logger
from shared.queue import celery_app, queues_with_room, ring
from shared.settings import Settings

logger = get_logger(__name__)

IDLE_SECONDS = 0.05
TROUBLE_SECONDS = 1.0
TIDIED_EVERY = timedelta(hours=1)


def run_relay(settings: Settings, stop: threading.Event, beat: Path | None = None) -> None:
    """Rings and reaps until `stop` is set. Trouble with the database or the broker is waited out."""
    engine = sync_engine(settings)
    sessions = sync_sessions(engine)
    app = celery_app(settings, "relay")
    reap_at = tidy_at = now()
    try:
        while not stop.is_set():
            try:
                rung = _ring(sessions, app, settings)
                if now() >= reap_at:
                    reap_at = now() + settings.reap_interval
                    _reap(sessions)
                if not rung and now() >= tidy_at and _tidied(sessions, settings):
                    tidy_at = now() + TIDIED_EVERY
            except (DBAPIError, BrokerError, RedisError, OSError) as error:
                logger.warning("relay waits", reason=str(error).splitlines()[0])
                stop.wait(TROUBLE_SECONDS)
                continue
            if beat is not None:
                alive.beat(beat)
            if not rung:
                stop.wait(IDLE_SECONDS)
    finally:
        app.close()
        engine.dispose()


def _ring(sessions: SyncSessions, app: Celery, settings: Settings) -> int:
    """Looks without taking a write lock: most of the time there is nothing to ring."""
    with sessions() as session:
        session.connection(execution_options={"reads_only": True})
        rooms = queues_with_room(session, app)
    rung = 0
    for queue, room in rooms.items():
        with sessions.begin() as session:
            rung += ring(session, app, queue, room=room, republish_seconds=settings.republish_seconds)
    return rung


def _reap(sessions: SyncSessions) -> None:
    with sessions.begin() as session:
        taken = jobs.reap(session)
    for job_id in taken:
        logger.warning("took a job back from a lost worker", job_id=job_id)


def _tidied(sessions: SyncSessions, settings: Settings) -> bool:
    """Does a part of it; between two parts the doorbells are looked at."""
    with sessions.begin() as session:
        if forget_old_answers(session):
            return False
        make_room(session, settings)
        return True


def main() -> None:
    settings = Settings()
    configure_logging(settings)
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    logger.info("relay started")
    run_relay(settings, stop, alive.beat_file("relay"))
    logger.info("relay stopped")


if __name__ == "__main__":
    main()
