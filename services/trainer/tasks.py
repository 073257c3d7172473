"""The trainer worker: one process, one training at a time, on the GPU where there is one, in processes of its own where
there are several.

torch is imported by the first job, not by the process: a start costs nothing until there is something to train.
"""

import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from services.trainer.config import TrainingConfig
from services.trainer.frozen_dataset import Dataset as FrozenDataset
from services.trainer.frozen_dataset import read_dataset
from services.trainer.progress import BEST_WEIGHTS, EPOCH, Progress
from services.trainer.starts import board_folder, start_file, work_folder
from shared import jobs
from shared.db.learning import WEIGHTS
from shared.db.tables import Dataset, JobEvent, Model, Training
from shared.errors import ChiffchaffError
from shared.model_file import sha256_of
from shared.prepared import PreparedAudio
from shared.settings import Settings
from shared.worker import JobContext, Worker, run_worker

CHECKPOINTS_KEPT = timedelta(days=30)
"""How long a training that was stopped or failed can be gone on with. What it had learnt is kept apart from them."""


def run_training(context: JobContext) -> None:
    """Trains as the row says. Killed at any moment, it goes on after its last epoch when it is run again."""
    from services.trainer.train import train
    from services.trainer.unknown import UnknownSet

    with context.sessions() as session:
        training = session.get_one(Training, context.payload["training_id"])
        config = TrainingConfig.model_validate(training.config)
        dataset_row = session.get_one(Dataset, training.dataset_id)
        unknown_rows = [session.get_one(Dataset, id) for id in config.unknown_dataset_ids]
    work_dir = work_folder(context.storage, training)
    forget_old_checkpoints(work_dir.parent)

    noted = _noted_epochs(context)

    def report(progress: Progress) -> None:
        # Noted first: what is trained stands in the curve, also when the job is stopped here.
        if progress.epoch is not None and (figures := progress.model_dump(mode="json")) not in noted:
            context.note(EPOCH, figures)
        context.progress(progress.fraction, 1.0, progress.message)

    if not config.threads and context.settings.torch_threads:
        config = config.model_copy(update={"threads": context.settings.torch_threads})
    dataset, *others = [_frozen(context, row) for row in (dataset_row, *unknown_rows)]
    audio = PreparedAudio(context.storage, context.settings, context.sessions)
    recordings = [recording for one in (dataset, *others) for recording in one.recordings]
    for done, recording in enumerate(recordings):
        # Here, and not in the middle of an epoch, turns out what cannot be had.
        context.progress(0.0, 1.0, f"Fetching recording {done + 1:,} of {len(recordings):,}")
        audio.path(recording.audio)
    try:
        with context.sessions() as session, start_file(session, context.storage, config.start_from) as start:
            session.rollback()  # what it needed is read: no transaction stays open for as long as a training lasts
            trained = train(
                dataset,
                config,
                audio_path=audio.path,
                work_dir=work_dir,
                report=report,
                should_stop=context.check,
                unknown=[UnknownSet(row.name, one) for row, one in zip(unknown_rows, others, strict=True)],
                start=start,
                tensorboard=board_folder(context.storage, training),
                pictures_dir=context.storage.work / "pictures",
            )
    except (jobs.CancelRequested, ChiffchaffError):
        _leave_weights(context, work_dir / BEST_WEIGHTS)
        raise
    prefix = f"models/{training.name}/{training.version}"
    files = {kind: f"{prefix}/{path.name}" for kind, path in trained.beside.items()}
    for kind, path in trained.beside.items():
        context.storage.copy_in(files[kind], path)
    model_key = f"{prefix}/model.pt"
    context.storage.copy_in(model_key, trained.model)
    reference = {"name": training.name, "version": str(training.version)}
    with context.completion({"model": reference, "warnings": trained.warnings}) as session:
        session.add(
            Model(
                name=training.name,
                version=training.version,
                sha256=sha256_of(trained.model),
                file_key=model_key,
                manifest=trained.manifest.model_dump(mode="json"),
                files=files,
                training_id=training.id,
            )
        )
    shutil.rmtree(work_dir, ignore_errors=True)


def forget_old_checkpoints(folder: Path) -> None:
    """Remove those of trainings that ended without a model and that nobody has gone on with for a while."""
    for work_dir in folder.glob("*/"):
        newest = max((path.stat().st_mtime for path in work_dir.rglob("*")), default=work_dir.stat().st_mtime)
        if newest < time.time() - CHECKPOINTS_KEPT.total_seconds():
            shutil.rmtree(work_dir, ignore_errors=True)


def _frozen(context: JobContext, row: Dataset) -> FrozenDataset:
    return read_dataset(context.storage.existing(row.file_key), id=row.id, sha256=row.sha256)


def _leave_weights(context: JobContext, best: Path) -> None:
    """What was learnt until a training was stopped stays: to be fetched, or to start from."""
    if best.exists():
        with best.open("rb") as file:
            stored = context.storage.add_content("weights", file, ".pt")
        context.note(WEIGHTS, {"key": stored.key, "sha256": stored.sha256})


def _noted_epochs(context: JobContext) -> list[dict[str, Any]]:
    """The figures that earlier runs of the job have reported."""
    mine = select(JobEvent.data).where(JobEvent.job_id == context.claim.job_id, JobEvent.kind == EPOCH)
    with context.sessions() as session:
        return list(session.scalars(mine))


WORKER = Worker(queue="trainer", handlers={"trainer.train": run_training}, pool="solo")


def main() -> None:
    run_worker(Settings(), "trainer", [WORKER], concurrency=1)


if __name__ == "__main__":
    main()
