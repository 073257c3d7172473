"""What a training may start from, as the library knows it: finished models, and weights that stopped ones have left."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.trainer.config import StartFrom
from services.trainer.progress import BEST_WEIGHTS
from shared.db.learning import WEIGHTS
from shared.db.tables import JobEvent, Model, Training
from shared.errors import ModelFileError, NotFound
from shared.model_file import sha256_of
from shared.storage import Storage


def pinned(session: Session, start: StartFrom) -> StartFrom:
    """The same with the version that is the newest now, so that a repetition starts from the same weights.

    Raises NotFound when there is no such model or training.
    """
    if start.training is not None:
        if session.get(Training, start.training) is None:
            raise NotFound(f"There is no training {start.training}.", hint="GET /trainings lists them.")
        return start
    return start.model_copy(update={"version": _model(session, start).version})


@contextmanager
def start_file(session: Session, storage: Storage, start: StartFrom | None) -> Iterator[Path | None]:
    """The file that is meant, for as long as the block lasts.

    Raises NotFound where there is none, ModelFileError where a model is no longer what was registered.
    """
    if start is None:
        yield None
    elif start.training is not None:
        training = session.get_one(Training, start.training)
        with weights_file(storage, training, weights_left(session, training)) as path:
            yield path
    else:
        model = _model(session, start)
        with storage.reading(model.file_key) as path:
            if sha256_of(path) != model.sha256:
                raise ModelFileError(f"The file of {model.name} version {model.version} has changed.")
            yield path


def weights_left(session: Session, training: Training) -> str | None:
    """The storage key of what a training has left when it was stopped; `None` when it was not."""
    mine = JobEvent.job_id == training.job_id, JobEvent.kind == WEIGHTS
    left = session.scalars(select(JobEvent.data).where(*mine).order_by(JobEvent.id.desc()).limit(1)).first()
    return None if left is None else str(left["key"])


@contextmanager
def weights_file(storage: Storage, training: Training, left: str | None) -> Iterator[Path]:
    """The best weights of a training: those it has left in the storage, else those in its work folder here.

    Raises NotFound where there are none.
    """
    if left is not None:
        with storage.reading(left) as path:
            yield path
        return
    path = work_folder(storage, training) / BEST_WEIGHTS
    if not path.is_file():
        raise NotFound(
            f"The training {training.id} has left no weights.",
            hint="They come with its first epoch; when it has succeeded, they are in its model.",
        )
    yield path


def work_folder(storage: Storage, training: Training) -> Path:
    """Where a training keeps its checkpoints while it goes on."""
    return storage.work / "trainings" / training.id


def board_folder(storage: Storage, training: Training) -> Path:
    """Where its figures for TensorBoard lie, also afterwards: all trainings side by side."""
    return storage.work / "tensorboard" / f"{training.name}-{training.version}"


def _model(session: Session, start: StartFrom) -> Model:
    query = select(Model).where(Model.name == start.model).order_by(Model.version.desc()).limit(1)
    if start.version is not None:
        query = query.where(Model.version == start.version)
    model = session.scalars(query).first()
    if model is None:
        version = "" if start.version is None else f" version {start.version}"
        raise NotFound(f"There is no model {start.model}{version} to start from.", hint="GET /models lists them.")
    return model
