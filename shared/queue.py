"""Celery as a doorbell: it carries job ids to the workers, and may lose or repeat them without harm."""

from datetime import timedelta
from typing import Any

from celery import Celery
from kombu.entity import Exchange, Queue
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared import folder_transport
from shared.db.base import now
from shared.db.tables import Job, Outbox
from shared.settings import Settings

QUEUES = ("ingest", "preprocess", "trainer")
FILESYSTEM_POLL_SECONDS = 0.02
"""kombu's file system transport looks once a second by default; this starts a task after some 13 ms."""
RING_AGAIN_CAP_SECONDS = 3600.0


def celery_app(settings: Settings, name: str) -> Celery:
    """The Celery application of one service. Tasks are named `queue.verb` and take a job id, nothing more."""
    folder_transport.register()
    app = Celery(name, broker=settings.resolved_broker_url)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
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
        "visibility_timeout": 300,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 15,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "global_keyprefix": "chiffchaff:",
    }


def ring_due_doorbells(session: Session, app: Celery, *, republish_seconds: float, limit: int = 200) -> int:
    """Publishes the doorbells that are due; each rings again, ever more rarely, until its job is claimed.

    The row changes only after the message is out, so a relay killed in between rings twice rather than never.
    """
    moment = now()
    due = session.execute(
        select(Outbox.id, Outbox.job_id, Outbox.rings, Job.kind)
        .join(Job, Job.id == Outbox.job_id)
        .where(Outbox.publish_at <= moment)
        .order_by(Outbox.publish_at, Outbox.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Outbox)
    ).all()
    for row in due:
        app.send_task(row.kind, args=[row.job_id], queue=row.kind.split(".")[0])
        again = min(RING_AGAIN_CAP_SECONDS, republish_seconds * 2.0**row.rings)
        session.execute(
            update(Outbox)
            .where(Outbox.id == row.id)
            .values(publish_at=moment + timedelta(seconds=again), rings=row.rings + 1)
        )
    return len(due)
