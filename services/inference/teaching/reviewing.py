"""A review is accepted, or withdrawn: its row and the job that tells the library of it, in one transaction."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from services.inference.analyses.lookup import NotHeardYet, analysis_of, row_of
from services.inference.teaching.candidates import guess_of, no_candidate, number_of
from services.inference.teaching.requests import OfCandidate, OfRegion
from services.inference.teaching.uncertainty import LEAST_SECONDS
from services.inference.teaching.views import review_of, review_view
from shared import jobs, species
from shared.db.base import new_id, now
from shared.db.tables import Analysis, AnalysisRecording, Review, ReviewCandidate, Species
from shared.errors import Conflict, InvalidInput
from shared.http.accepting import Made
from shared.http.callers import Caller
from shared.species import SpeciesName

TAKE_IN = "ingest.review"


class AlreadyReviewed(Conflict):
    code = "already-reviewed"
    title = "Somebody has reviewed it already"


@dataclass(frozen=True)
class _Passage:
    """What is reviewed: a candidate, or a stretch of a recording."""

    analysis: Analysis
    recording: AnalysisRecording
    start: float
    end: float
    candidate: ReviewCandidate | None = None


def review(session: Session, said: OfCandidate | OfRegion, caller: Caller, *, max_attempts: int) -> Made:
    """Writes what a person said, and queues the job that takes it in.

    Raises:
        NotFound: when there is no such candidate, analysis or recording.
        AlreadyReviewed: when the candidate has a review.
        NotHeardYet, Conflict: when the recording of a stretch has not been heard, or could not be.
        InvalidInput: when the recording has no such stretch.
    """
    review_id = new_id()
    passage = _candidate(session, said, review_id) if isinstance(said, OfCandidate) else _region(session, said, caller)
    name = _ensured(session, said, passage)
    job = jobs.submit(session, TAKE_IN, {"review_id": review_id}, max_attempts=max_attempts)
    candidate = passage.candidate
    row = Review(
        id=review_id,
        candidate_id=candidate.id if candidate else None,
        analysis_id=passage.analysis.id,
        position=passage.recording.position,
        file=passage.recording.file,
        start=passage.start,
        end=passage.end,
        verdict=said.verdict,
        species=name.scientific if name else None,
        common_name=name.common if name else "",
        heard=guess_of(candidate) if candidate else None,
        model=_model(passage.analysis),
        recordist=said.recordist,
        licence=said.licence,
        reviewed_by=caller.id,
        job_id=job.id,
        recording_id=passage.recording.recording_id,
    )
    session.add(row)
    session.flush()
    return Made(f"/reviews/{row.id}", review_view(session, row), 201)


def withdraw(session: Session, review_id: str, *, max_attempts: int) -> None:
    """Its candidate waits again, and a job makes the library forget the mark. Raises NotFound."""
    row = review_of(session, review_id)
    row.withdrawn_at = now()
    session.execute(update(ReviewCandidate).where(ReviewCandidate.review_id == row.id).values(review_id=None))
    jobs.submit(session, TAKE_IN, {"review_id": row.id}, max_attempts=max_attempts)


def _candidate(session: Session, said: OfCandidate, review_id: str) -> _Passage:
    """The candidate, which from now on is reviewed: two who review it at once do not both succeed."""
    number = number_of(said.candidate)
    row = session.get(ReviewCandidate, number)
    analysis = session.get(Analysis, row.analysis_id) if row else None
    if row is None or analysis is None or analysis.removed_at is not None:
        raise no_candidate(said.candidate)
    waits = ReviewCandidate.id == number, ReviewCandidate.review_id.is_(None)
    taken = update(ReviewCandidate).where(*waits).values(review_id=review_id).returning(ReviewCandidate.id)
    if session.execute(taken).one_or_none() is None:
        raise AlreadyReviewed(
            f"The candidate {said.candidate} has been reviewed.",
            hint="DELETE /reviews/{id} withdraws its review; then it can be reviewed again.",
        )
    recording = session.get_one(AnalysisRecording, (row.analysis_id, row.position))
    return _Passage(analysis, recording, row.start, row.end, row)


def _region(session: Session, said: OfRegion, caller: Caller) -> _Passage:
    analysis = analysis_of(session, caller, said.analysis)
    recording = row_of(session, analysis, said.position)
    if recording.outcome == "waiting":
        raise NotHeardYet(f"{recording.file} has not been heard yet.", hint="Ask again once it has been.")
    seconds = recording.seconds
    if seconds is None:
        raise Conflict(f"{recording.file} could not be heard: {recording.error}", hint="Review another recording.")
    end = min(said.end, seconds)
    if end - said.start < LEAST_SECONDS or said.end > seconds + LEAST_SECONDS:
        raise InvalidInput(
            f"The recording is {seconds:g} s long; it has no stretch from {said.start:g} to {said.end:g} s.",
            hint="Send start and end in seconds, within the recording.",
        )
    return _Passage(analysis, recording, said.start, end)


def _ensured(session: Session, said: OfCandidate | OfRegion, passage: _Passage) -> SpeciesName | None:
    """Who sings there, as the library calls it; None where nobody does, or nobody knows."""
    if said.verdict == "confirmed" and passage.candidate is not None:
        name = species.resolve(passage.candidate.species, passage.candidate.common_name)
    elif said.species is not None:
        name = species.find(session, said.species)
    else:
        return None
    species.ensure(session, name)
    row = session.get_one(Species, name.scientific)
    return SpeciesName(row.scientific_name, row.common_name)


def _model(analysis: Analysis) -> dict[str, Any]:
    return {name: analysis.about["model"][name] for name in ("name", "version")}
