"""The job that takes a review in, or lets go of one: its recording is in the library, marked by all its valid reviews.

What is marked follows from the reviews as they are now, so running it twice, or out of order, changes nothing.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.ingest.annotations import main_species, of_files, of_reviews
from services.ingest.pressure import make_room
from services.ingest.review_sound import Sound, store_sound
from services.ingest.taking import PREPARE, new_recording
from shared import jobs
from shared.db.base import now
from shared.db.library import REVIEW
from shared.db.tables import Job, Recording, Review
from shared.worker import JobContext

TAKE_IN = "ingest.review"
DIGITS = 6
"""Of the seconds of a mark."""


def take_in(context: JobContext) -> None:
    """Raises Postponed while there is no room for its sound, and what `store_sound` raises."""
    with context.sessions() as session:
        review = session.get_one(Review, context.payload["review_id"])
        due = review.recording_id is None and review.withdrawn_at is None
        place = _place_in_known(session, review) if due else None
    sound = None
    if due and place is None:
        make_room(context)
        sound = store_sound(context, review)
    with context.completion() as session:
        review = session.get_one(Review, review.id, with_for_update=True)
        if sound is not None:
            place = _place_of(session, sound)
        if place is not None:
            review.recording_id, review.offset = place
            _restore(session, review.recording_id)
        if review.recording_id is not None:
            mark(session, review.recording_id, max_attempts=context.settings.max_attempts)


def mark(session: Session, recording_id: str, *, max_attempts: int) -> None:
    """Gives a recording the marks of its valid reviews beside those that it has from elsewhere; prepares it anew where
    they differ from those that it had.

    Of one that reviews brought in they also say what it goes by; without a review it leaves the library.

    Args:
        max_attempts: of the job that prepares it.
    """
    # Locked, so that of two reviews that are taken in at once each sees the other.
    recording = session.get_one(Recording, recording_id, with_for_update=True)
    valid = select(Review).where(Review.recording_id == recording_id, Review.withdrawn_at.is_(None))
    reviews = list(session.scalars(valid.order_by(Review.start, Review.id)))
    marks = [*of_files(recording.annotations), *map(_mark, reviews)]
    if recording.source == REVIEW:
        _name(recording, marks)
        if not reviews:
            recording.deleted_at = recording.deleted_at or now()
    if marks != recording.annotations:
        recording.annotations = marks
        _prepare(session, recording_id, max_attempts)


def _place_in_known(session: Session, review: Review) -> tuple[str, float] | None:
    """The recording that holds all of what was reviewed, and its offset, where an earlier review brought one in."""
    beside = Review.analysis_id == review.analysis_id, Review.position == review.position
    query = select(Recording, Review.offset).join(Review, Review.recording_id == Recording.id)
    for recording, offset in session.execute(query.where(*beside, Recording.source == REVIEW).order_by(Recording.id)):
        said = recording.details[REVIEW]
        if said["excerpt_start"] <= review.start and review.end <= said["excerpt_end"]:
            return recording.id, offset
    return None


def _place_of(session: Session, sound: Sound) -> tuple[str, float]:
    """The recording with that content, new or known, and its offset."""
    query = select(Recording).where(Recording.sha256 == sound.stored.sha256)
    recording = session.scalars(query).one_or_none()
    if recording is None:
        try:
            with session.begin_nested():
                recording = new_recording(session, sound.item, sound.stored, REVIEW)
                recording.excerpt_of = sound.excerpt_of
        except IntegrityError:  # another review of it was taken in at the same moment
            recording = session.scalars(query).one()
    return recording.id, sound.offset


def _restore(session: Session, recording_id: str) -> None:
    """One that reviews brought in and that went with the last of them; what a person deleted otherwise stays so."""
    recording = session.get_one(Recording, recording_id)
    if recording.source == REVIEW:
        recording.deleted_at = None


def _mark(review: Review) -> dict[str, Any]:
    """In seconds of the recording in the library."""
    kind = {"kind": review.verdict} if review.verdict in ("noise", "unknown") else {}
    return {
        "start": round(max(0.0, review.start - review.offset), DIGITS),
        "end": round(review.end - review.offset, DIGITS),
        "species": review.species or "",
        **kind,
        "review": review.id,
    }


def _name(recording: Recording, marks: list[dict[str, Any]]) -> None:
    """By the species that reviews heard in it, unless a person has called it otherwise since."""
    before, _ = main_species(None, of_reviews(recording.annotations))
    if recording.label == before:
        recording.label, recording.secondary = main_species(None, of_reviews(marks))


def _prepare(session: Session, recording_id: str, max_attempts: int) -> None:
    """Once, however many of its reviews come before its turn; the lock keeps a worker from taking the job meanwhile."""
    payload = {"recording_id": recording_id}
    waits = Job.queue == jobs.queue_of(PREPARE), Job.state == "queued", Job.kind == PREPARE
    same = Job.payload["recording_id"].as_string() == recording_id
    if session.scalars(select(Job.id).where(*waits, same).limit(1).with_for_update()).first() is None:
        jobs.submit(session, PREPARE, payload, max_attempts=max_attempts)
