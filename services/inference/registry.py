"""The store of models as the database knows it: versions by name, the shipped ones, and the one that is active."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.db.base import now
from shared.db.tables import ActiveModel, Model, Training
from shared.errors import ModelFileError, NotFound
from shared.log import get_logger
from shared.model_file import BESIDE, ModelManifest, read_manifest, sha256_of
from shared.storage import Storage, content_key

logger = get_logger(__name__)

MODEL_FILE = "model.pt"


@dataclass(frozen=True)
class ModelFolder:
    """A folder with a model file that has been looked at, not loaded."""

    path: Path
    manifest: ModelManifest
    sha256: str

    @property
    def file_key(self) -> str:
        return content_key("models", self.sha256, ".pt")

    def files(self) -> dict[str, tuple[str, Path]]:
        """Storage key and source of what lies beside the model file, by its name in `Model.files`."""
        present = {kind: self.path / name for kind, name in BESIDE.items() if (self.path / name).is_file()}
        return {
            kind: (content_key("models", self.sha256, f".{source.name}"), source) for kind, source in present.items()
        }


@dataclass(frozen=True)
class Active:
    """Which model answers, since when, and which one did before."""

    model: Model
    previous: Model | None
    activated_at: datetime


def shipped_models(models_dir: Path) -> list[ModelFolder]:
    """The models in the sub-folders of a directory, by name; a broken one is logged and left out."""
    found = []
    for file in sorted(models_dir.glob(f"*/{MODEL_FILE}")):
        try:
            found.append(ModelFolder(file.parent, read_manifest(file), sha256_of(file)))
        except ModelFileError as error:
            logger.error("a shipped model cannot be used", folder=file.parent.name, reason=str(error))
    return found


def store_shipped(storage: Storage, models_dir: Path) -> list[ModelFolder]:
    """The shipped models whose files are in the storage now; one that cannot be written is logged and left out."""
    stored = []
    for folder in shipped_models(models_dir):
        try:
            store(storage, folder)
        except OSError as error:
            logger.error("a shipped model cannot be stored", folder=folder.path.name, reason=str(error))
        else:
            stored.append(folder)
    return stored


def store(storage: Storage, folder: ModelFolder) -> None:
    """Copies a model's files into the storage, those that are not there."""
    sources = [(folder.file_key, folder.path / MODEL_FILE), *folder.files().values()]
    for key, source in sources:
        if not storage.exists(key):
            storage.copy_in(key, source)


def register(session: Session, folder: ModelFolder) -> Model:
    """The row of a stored model: the one with the same content, else a new one.

    Its version is the one that its card names, or the next of its name where that one is taken or passed.
    """
    known = session.scalar(select(Model).where(Model.sha256 == folder.sha256).limit(1))
    if known is not None:
        return known
    name = folder.manifest.name
    # A training that has not ended yet has its version reserved.
    taken = [session.scalar(select(func.max(table.version)).where(table.name == name)) for table in (Model, Training)]
    model = Model(
        name=name,
        version=max(_said(folder.manifest), 1 + max(version or 0 for version in taken)),
        sha256=folder.sha256,
        file_key=folder.file_key,
        manifest=folder.manifest.model_dump(mode="json"),
        files={kind: key for kind, (key, _) in folder.files().items()},
    )
    session.add(model)
    session.flush()
    logger.info("model registered", name=name, version=model.version)
    return model


def _said(manifest: ModelManifest) -> int:
    """The version that a model was trained as; 0 where that is no number of ours."""
    return int(manifest.version) if re.fullmatch(r"[0-9]{1,6}", manifest.version) else 0


def find(session: Session, name: str, version: int | None = None) -> Model:
    """A model by name, its newest version unless one is asked for. Raises NotFound."""
    query = select(Model).where(Model.name == name).order_by(Model.version.desc()).limit(1)
    if version is not None:
        query = query.where(Model.version == version)
    storable = version is None or abs(version) < 2**31
    model = session.scalar(query) if storable else None
    if model is None:
        raise NotFound(
            f"There is no model {name}" + (f" with version {version}." if version else "."),
            hint="GET /models lists what there is.",
        )
    return model


def active(session: Session) -> Active | None:
    """The active model, None before the first was activated."""
    row = session.get(ActiveModel, 1)
    if row is None:
        return None
    previous = session.get(Model, row.previous_model_id) if row.previous_model_id else None
    return Active(session.get_one(Model, row.model_id), previous, row.activated_at)


def activate(session: Session, model_id: str) -> None:
    """Makes a model the active one and remembers the one before; nothing changes when it is active already."""
    row = session.get(ActiveModel, 1, with_for_update=True)
    if row is None:
        session.add(ActiveModel(id=1, model_id=model_id))
    elif row.model_id != model_id:
        row.previous_model_id, row.model_id, row.activated_at = row.model_id, model_id, now()
    session.flush()
