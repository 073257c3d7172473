"""Doorbells: each reaches its own queue, whole, also over the file system with many hands at once."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from celery import Celery

from shared import jobs
from shared.db.engine import SyncSessions, sync_engine, sync_sessions
from shared.db.migrate import migrate
from shared.queue import QUEUE_LIMIT, QUEUES, celery_app, declare_queues, queues_with_room, ring
from shared.settings import Settings
from tests.support.servers import Redis

MESSAGES = 200


@pytest.fixture(params=["folder", "redis"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    values: dict[str, object] = {"data_dir": tmp_path}
    if request.param == "redis":
        server: Redis = request.getfixturevalue("redis")
        values["broker_url"] = f"redis://127.0.0.1:{server.port}/1"
    made = Settings.model_validate(values)
    declare_queues(made)
    return made


@pytest.fixture
def app(settings: Settings) -> Iterator[Celery]:
    with celery_app(settings, "test") as made:
        yield made


def take_all(app: Celery, queue: str) -> list[str]:
    """The job ids of all messages that wait in a queue."""
    taken = []
    with app.connection_for_read() as connection, connection.SimpleQueue(app.amqp.queues[queue]) as waiting:
        while True:
            try:
                message = waiting.get(block=False)
            except waiting.Empty:
                return taken
            taken.append(message.payload[0][0])
            message.ack()


def send(settings: Settings, sender: int) -> None:
    with celery_app(settings, "sender") as app:
        for number in range(MESSAGES):
            app.send_task("preprocess.prepare", args=[f"{sender}-{number}"], queue="preprocess")


def receive(settings: Settings, _receiver: int) -> list[str]:
    taken: list[str] = []
    with celery_app(settings, "receiver") as app:
        idle = 0
        while idle < 50:
            batch = take_all(app, "preprocess")
            taken += batch
            idle = 0 if batch else idle + 1
    return taken


def test_a_doorbell_rings_in_its_own_queue_only(app: Celery) -> None:
    for queue in QUEUES:
        app.send_task(f"{queue}.verb", args=[f"job of {queue}"], queue=queue)
    for queue in QUEUES:
        assert take_all(app, queue) == [f"job of {queue}"]


def ring_once(sessions: SyncSessions, app: Celery) -> int:
    with sessions() as session:
        rooms = queues_with_room(session, app)
    with sessions.begin() as session:
        return sum(ring(session, app, queue, room=room, republish_seconds=0.001) for queue, room in rooms.items())


def test_a_queue_is_bounded_and_filled_up_as_it_empties(settings: Settings, app: Celery) -> None:
    engine = sync_engine(settings)
    migrate(engine)
    sessions = sync_sessions(engine)
    with sessions.begin() as session:
        for _ in range(QUEUE_LIMIT + 5):
            jobs.submit(session, "preprocess.prepare", {}, max_attempts=1)
        trainer = jobs.submit(session, "trainer.train", {}, max_attempts=1).id
    assert ring_once(sessions, app) == QUEUE_LIMIT + 1
    assert ring_once(sessions, app) == 0, "nothing is lost, so nothing rings again"
    assert take_all(app, "trainer") == [trainer]
    assert len(set(take_all(app, "preprocess"))) == QUEUE_LIMIT
    assert ring_once(sessions, app) == QUEUE_LIMIT + 1, "the queues are empty: the messages may be lost"
    for _ in range(QUEUE_LIMIT):
        with sessions.begin() as session:
            assert jobs.claim(session, "preprocess", worker="a", lease_seconds=30) is not None
    take_all(app, "preprocess")
    assert ring_once(sessions, app) == 5, "as many messages as jobs that wait"
    engine.dispose()


def test_many_senders_and_receivers_lose_and_double_no_message_over_the_file_system(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    declare_queues(settings)
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        senders = [pool.submit(send, settings, number) for number in range(2)]
        receivers = [pool.submit(receive, settings, number) for number in range(2)]
        for sender in senders:
            sender.result()
        received = [job_id for receiver in receivers for job_id in receiver.result()]
    with celery_app(settings, "rest") as app:
        received += take_all(app, "preprocess")
    assert sorted(received) == sorted(f"{sender}-{number}" for sender in range(2) for number in range(MESSAGES))
