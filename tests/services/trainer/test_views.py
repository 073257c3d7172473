"""Trainings as a list shows them, on SQLite and on PostgreSQL alike."""

from typing import Any

from services.trainer.progress import EPOCH
from services.trainer.views import training_line, training_view
from shared import jobs
from shared.db.engine import SyncSessions
from shared.db.tables import Dataset, JobEvent, Training


def add_training(sessions: SyncSessions, *epochs: dict[str, Any]) -> str:
    with sessions.begin() as session:
        dataset = Dataset(name="two", sha256="0" * 64, file_key="two", parameters={}, summary={})
        job = jobs.submit(session, "trainer.train", {}, max_attempts=1)
        session.add(dataset)
        session.flush()
        training = Training(dataset_id=dataset.id, job_id=job.id, name="two", version=1, config={})
        session.add(training)
        session.flush()
        for one in epochs:
            data = {"stage": "fold", "fraction": 0.5, "message": "", **one}
            session.add(JobEvent(job_id=job.id, kind=EPOCH, data=data))
            session.flush()
        return training.id


def test_a_list_has_the_last_figure_and_no_epochs(sessions: SyncSessions) -> None:
    training_id = add_training(sessions, {"val_top1": 0.25}, {"val_top1": 0.5}, {"stage": "final", "val_top1": None})
    with sessions() as session:
        row = session.get_one(Training, training_id)
        line, whole = training_line(session, row), training_view(session, row)
    assert "epochs" not in line.model_dump()
    assert (line.val_top1, whole.val_top1, len(whole.epochs)) == (0.5, 0.5, 3)
    assert line.model_dump() == whole.model_dump(exclude={"epochs"})


def test_a_stopped_training_has_weights_once_it_has_an_epoch(sessions: SyncSessions) -> None:
    without = add_training(sessions)
    with sessions.begin() as session:
        row = session.get_one(Training, without)
        jobs.cancel(session, row.job_id)
        assert (training_line(session, row).best_weights, training_line(session, row).val_top1) == (None, None)
        session.add(JobEvent(job_id=row.job_id, kind=EPOCH, data={"stage": "fold", "fraction": 0.1, "message": ""}))
        session.flush()
        assert training_line(session, row).best_weights == f"/trainings/{without}/weights"
