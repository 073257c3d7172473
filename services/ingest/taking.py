"""Taking one file in: its content into the storage, its row into the library, its preparation into the queue."""

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.ingest.annotations import main_species, of_files, of_reviews
from services.ingest.items import Item
from shared import jobs, species
from shared.db.tables import Recording
from shared.errors import EmptyAudio
from shared.storage import Storage, Stored

PREPARE = "preprocess.prepare"


@dataclass(frozen=True)
class Taken:
    """What became of a file: its recording, whether that was here before, and the job that prepares it, if any."""

    recording: Recording
    known: bool
    job_id: str | None
    restored: bool = False
    """It had been deleted, and is in the library again."""


def store_original(storage: Storage, stream: BinaryIO, name: str) -> Stored:
    """Copies the file, named by what it holds.

    Raises:
        EmptyAudio: when it holds nothing.
    """
    suffix = PurePath(name).suffix.lower()
    stored = storage.add_content("originals", stream, suffix if suffix[1:].isalnum() and len(suffix) <= 6 else "")
    if stored.size == 0:
        storage.delete(stored.key)
        raise EmptyAudio(f"{PurePath(name).name} is an empty file.", hint="Was it copied whole?")
    return stored


def take(
    session: Session,
    item: Item,
    stored: Stored,
    *,
    source: str,
    priority: jobs.Priority,
    max_attempts: int,
    parent_id: str | None,
) -> Taken:
    """Adds the recording, or finds the one with the same content; queues its preparation where that is still due.

    One that is here already gets the annotations that came since, and is prepared by them. One that was deleted is
    restored: who sends it again wants it.
    """
    recording = session.scalars(select(Recording).where(Recording.sha256 == stored.sha256)).one_or_none()
    known = recording is not None
    if recording is None:
        recording = new_recording(session, item, stored, source)
    restored = recording.deleted_at is not None
    recording.deleted_at = None
    marked_anew = known and _marked_anew(session, recording, item)
    if recording.prepared_at is not None and not marked_anew:
        return Taken(recording, known, None, restored)
    job = jobs.submit(
        session,
        PREPARE,
        {"recording_id": recording.id},
        max_attempts=max_attempts,
        priority=priority,
        parent_id=parent_id,
    )
    return Taken(recording, known, job.id, restored)


def _marked_anew(session: Session, recording: Recording, item: Item) -> bool:
    """Gives a recording that is here already the annotations that came since, beside those of reviews.

    Returns whether they differ.
    """
    if not item.annotations or list(item.annotations) == of_files(recording.annotations):
        return False
    recording.annotations = [*item.annotations, *of_reviews(recording.annotations)]
    label, others = main_species(recording.label, item.annotations)
    if label and recording.label is None:
        species.ensure(session, species.resolve(label))
        recording.label = label
    recording.secondary = [*dict.fromkeys((*recording.secondary, *others))]
    return True


def new_recording(session: Session, item: Item, stored: Stored, source: str) -> Recording:
    """Adds a recording whose file is stored. Its preparation is the caller's; IntegrityError says that it is known."""
    label = None
    if item.label:
        name = species.resolve(item.label, item.common_name, item.names)
        species.ensure(session, name)
        label = name.scientific
    label, marked = main_species(label, item.annotations)
    if label and not item.label:
        species.ensure(session, species.resolve(label))
    others = [species.resolve(other).scientific for other in item.secondary]
    recording = Recording(
        sha256=stored.sha256,
        original_key=stored.key,
        original_name=Path(item.name).name,
        size=stored.size,
        label=label,
        secondary=[*dict.fromkeys((*others, *marked))],
        source=source,
        source_url=item.source_url,
        xc_id=item.xc_id,
        recordist=item.recordist,
        licence=item.licence,
        country=item.country,
        locality=item.locality,
        latitude=item.latitude,
        longitude=item.longitude,
        recorded_on=item.recorded_on,
        recorded_time=item.recorded_time,
        quality=item.quality,
        details=item.details,
        annotations=list(item.annotations),
    )
    session.add(recording)
    session.flush()
    return recording
