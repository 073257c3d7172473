"""Celery as a doorbell: it carries job ids to the workers, and may lose or repeat them without harm.

A message says that there is work; the worker that gets it takes the most urgent job of the queue (`jobs.claim`). So a
queue of the broker needs as many messages as there are jobs for its workers to take at once, not one for each of a
million: it is bounded, and the backlog stays in the database, in order of urgency.
"""

from datetime import timedelta
from typing import Any

from celery import Celery
from kombu.entity import Exchange, Queue
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared import folder_transport, jobs
from shared.db.base import now
from shared.db.tables import Job, Outbox
from shared.settings import Settings

QUEUES = ("ingest", "preprocess", "trainer", "inference")
FILESYSTEM_POLL_SECONDS = 0.02
"""kombu's file system transport looks once a second by default; this starts a task after some 13 ms."""
QUEUE_LIMIT = 200
"""Messages that wait in a queue of the broker at most; far more than the workers take before the relay looks again."""


def celery_app(settings: Settings, name: str) -> Celery:
    """The Celery application of one service. Tasks are named `queue.verb` and take a job id, nothing more."""
    folder_transport.register()
    app = Celery(name, broker=settings.resolved_broker_url)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        # A doorbell need not be kept: the relay rings again until the job is claimed, and then the lease guards it.
        task_acks_late=False,
        task_queues=[_queue(queue) for queue in QUEUES],
        task_default_queue="ingest",
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_max_tasks_per_child=500,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options=_transport_options(settings),
        task_create_missing_queues=False,
        worker_enable_remote_control=False,
    )
    return app


def declare_queues(settings: Settings) -> None:
    """Makes the queues before anybody uses them: on the file system, two who make one at once would clash."""
    with celery_app(settings, "declare") as app, app.connection_for_write() as connection:
        for queue in QUEUES:
            _queue(queue)(connection.default_channel).declare()


def _queue(name: str) -> Queue:
    """A queue with an exchange of its own: on a common one, each message would go to every queue."""
    return Queue(name, Exchange(name, type="direct"), routing_key=name)


def _transport_options(settings: Settings) -> dict[str, Any]:
    if settings.resolved_broker_url.startswith(f"{folder_transport.SCHEME}:"):
        folder = settings.broker_dir
        for path in (folder / "messages", folder / "control"):
            path.mkdir(parents=True, exist_ok=True)
        return {
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "control_folder": str(folder / "control"),
            "polling_interval": FILESYSTEM_POLL_SECONDS,
        }
    return {
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 15,
        "global_keyprefix": "chiffchaff:",
    }


def queues_with_room(session: Session, app: Celery) -> dict[str, int]:
    """How many doorbells may be rung now, of each queue that has some due; only reads.

    Jobs that wait less messages that wait: so messages never outnumber the jobs, and lost ones are noticed.
    """
    moment = now()
    room = {}
    for queue in QUEUES:
        due = select(Outbox.id).where(Outbox.queue == queue, Outbox.publish_at <= moment).limit(1)
        if session.scalar(due) is not None:
            room[queue] = jobs.waiting(session, queue, at_most=QUEUE_LIMIT) - _messages(app, queue)
    return {queue: count for queue, count in room.items() if count > 0}


def ring(session: Session, app: Celery, queue: str, *, room: int, republish_seconds: float) -> int:
    """Publishes up to `room` doorbells that are due; each rings again until its job is claimed.

    The rows change only after the messages are out, so a relay killed in between rings twice rather than never.
    """
    moment = now()
    due = session.execute(
        select(Outbox.id, Outbox.job_id, Job.kind)
        .join(Job, Job.id == Outbox.job_id)
        .where(Outbox.queue == queue, Outbox.publish_at <= moment)
        .order_by(Outbox.publish_at, Outbox.id)
        .limit(room)
        .with_for_update(skip_locked=True, of=Outbox)
    ).all()
    with app.producer_pool.acquire(block=True) as producer:
        for row in due:
            app.send_task(row.kind, args=[row.job_id], queue=queue, producer=producer)
    session.execute(
        update(Outbox)
        .where(Outbox.id.in_([row.id for row in due]))
        .values(publish_at=moment + timedelta(seconds=republish_seconds))
    )
    return len(due)


def _messages(app: Celery, queue: str) -> int:
    """How many messages wait in the broker."""
    with app.pool.acquire(block=True) as connection:
        declared = connection.default_channel.queue_declare(queue=queue, durable=True)
    return int(declared.message_count)
