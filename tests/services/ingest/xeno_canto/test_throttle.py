"""Turns at another service, on SQLite and on PostgreSQL alike."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

from services.ingest.xeno_canto import throttle
from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.db.tables import Throttle


def test_the_first_turn_is_now_and_each_later_one_an_interval_on(sessions: SyncSessions) -> None:
    waits = [throttle.reserve(sessions, "x", 100.0) for _ in range(3)]
    assert waits[0] == 0.0
    assert 95 < waits[1] <= 100
    assert 195 < waits[2] <= 200


def test_many_who_ask_at_once_get_a_turn_each(sessions: SyncSessions) -> None:
    with ThreadPoolExecutor(8) as pool:
        waits = sorted(pool.map(lambda _: throttle.reserve(sessions, "x", 100.0), range(24)))
    assert all(95 < later - earlier < 105 for earlier, later in pairwise(waits))


def test_turns_of_another_service_are_its_own(sessions: SyncSessions) -> None:
    throttle.reserve(sessions, "x", 100.0)
    assert throttle.reserve(sessions, "y", 100.0) == 0.0


def test_nobody_has_a_turn_while_the_service_wants_to_be_left_alone(sessions: SyncSessions) -> None:
    throttle.hold(sessions, "x", 500.0)
    throttle.hold(sessions, "x", 10.0)
    assert 490 < throttle.reserve(sessions, "x", 1.0) <= 500


def test_no_wish_is_followed_for_more_than_an_hour(sessions: SyncSessions) -> None:
    throttle.hold(sessions, "x", 1e9)
    assert 3_500 < throttle.reserve(sessions, "x", 1.0) <= 3_600


def test_a_turn_that_a_wrong_clock_wrote_does_not_hold_everybody_up(sessions: SyncSessions) -> None:
    for wrong in (timedelta(days=400), timedelta(days=-400)):
        with sessions.begin() as session:
            session.merge(Throttle(name="x", next_at=now() + wrong))
        assert throttle.reserve(sessions, "x", 1.0) == 0.0
