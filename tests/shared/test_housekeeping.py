"""What is forgotten, and what is not."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from shared import housekeeping
from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.db.tables import IdempotencyKey, Job
from shared.settings import Settings


def answered(key: str, days_ago: float) -> IdempotencyKey:
    moment = now() - timedelta(days=days_ago)
    return IdempotencyKey(
        key=key, route="POST /recordings", request_sha256="", status=202, location="/", body={}, created_at=moment
    )


def test_answers_older_than_a_week_are_forgotten_some_at_a_time(
    sessions: SyncSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "AT_ONCE", 3)
    with sessions.begin() as session:
        session.add_all([answered(f"old {number}", 7.01 + number) for number in range(5)])
        session.add_all([answered("young", 6.99), answered("new", 0)])
    counts = []
    while not counts or counts[-1]:
        with sessions.begin() as session:
            counts.append(housekeeping.forget_old_answers(session))
    assert counts == [3, 2, 0]
    with sessions() as session:
        assert set(session.scalars(select(IdempotencyKey.key))) == {"young", "new"}


def test_prepared_audio_makes_room_where_the_operator_set_a_limit_one_job_at_a_time(sessions: SyncSessions) -> None:
    with sessions.begin() as session:
        assert housekeeping.make_room(session, Settings(prepared_max_gb=0)) is None
        asked = housekeeping.make_room(session, Settings(prepared_max_gb=1.5))
        assert housekeeping.make_room(session, Settings(prepared_max_gb=1.5)) is None
    with sessions() as session:
        (job,) = session.scalars(select(Job))
        assert (job.id, job.kind, job.payload) == (asked, "ingest.prune_storage", {"max_bytes": 1_500_000_000})
