"""Candidates: passages that a person is asked about, written when their recording is heard, listed by uncertainty."""

import base64
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sqlalchemy import Float, Integer, Select, and_, func, literal, select, tuple_
from sqlalchemy.orm import Session

from services.inference.results.model import RecordingResult, Result
from services.inference.schemas import Confidence, Detection, ModelName
from services.inference.teaching.uncertainty import most_uncertain
from shared import species
from shared.db.tables import Analysis, AnalysisRecording, ReviewCandidate
from shared.errors import InvalidInput, NotFound
from shared.http.asked import MOST_INT
from shared.http.pages import Page

NUMBER = re.compile(r"[0-9]{1,19}")
_EXAMPLE: dict[str, JsonValue] = {
    "id": "123",
    "analysis": "3f0e6c1f9a5e4c0b8f1d2a7c5b9e8d61",
    "position": 0,
    "file": "2026/dawn.wav",
    "recording_id": None,
    "recording_seconds": 61.0,
    "start": 12.5,
    "end": 17.5,
    "species": "Fringilla coelebs",
    "common_name": "Common Chaffinch",
    "confidence": 0.52,
    "uncertainty": 0.96,
    "others": [{"species": "Parus major", "common_name": "Great Tit", "confidence": 0.31}],
    "model": {"name": "garden-birds", "version": "2"},
}


class Guess(BaseModel):
    """What a model says of a passage."""

    species: str
    common_name: str
    confidence: Confidence


class CandidateView(BaseModel):
    """A passage of a recording that was heard, of which nobody has said yet what sings there."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    analysis: str
    position: int = Field(description="Of the recording in its analysis")
    file: str
    recording_id: str | None = Field(description="In the library, where it is from there")
    recording_seconds: float
    start: float
    end: float
    species: str
    common_name: str
    confidence: Confidence
    uncertainty: float = Field(
        ge=0, le=1, description="1: the model cannot decide between its first guess and its second, or nobody"
    )
    others: list[Guess] = Field(description="What else it heard there, the surest first")
    model: ModelName


def candidate_rows(analysis_id: str, position: int, result: Result) -> list[dict[str, Any]]:
    """The rows of a recording that was just heard; none of one that failed."""
    if not isinstance(result, RecordingResult):
        return []
    return [
        {
            "analysis_id": analysis_id,
            "position": position,
            "start": one.detection.start,
            "end": one.detection.end,
            **guess_of(one.detection),
            "uncertainty": one.uncertainty,
            "others": [guess_of(other) for other in one.others],
        }
        for one in most_uncertain(result.detections)
    ]


def guess_of(one: Detection | ReviewCandidate) -> dict[str, Any]:
    return {"species": one.species, "common_name": one.common_name, "confidence": one.confidence}


def waiting_candidates(session: Session, analysis_id: str | None) -> int:
    """How many have no review; from the index alone, of analyses that nobody has removed."""
    removed = select(Analysis.id).where(Analysis.removed_at.is_not(None))
    query = select(func.count()).where(ReviewCandidate.review_id.is_(None), ReviewCandidate.analysis_id.not_in(removed))
    if analysis_id is not None:
        query = query.where(ReviewCandidate.analysis_id == analysis_id)
    return session.scalar(query) or 0


def candidate_page(
    session: Session, analysis_id: str | None, name: str | None, limit: int, cursor: str | None
) -> Page[CandidateView]:
    """Those that wait, the most uncertain first."""
    row = ReviewCandidate
    query = _candidates().where(row.review_id.is_(None))
    if analysis_id is not None:
        query = query.where(row.analysis_id == analysis_id)
    if name is not None:
        # A model may know a species by an older name than the library.
        query = query.where(row.species.in_({name, species.find(session, name).scientific}))
    if cursor is not None:
        query = query.where(tuple_(row.uncertainty, row.id) < tuple_(*_decode(cursor)))
    found = session.execute(query.order_by(row.uncertainty.desc(), row.id.desc()).limit(limit + 1)).all()
    following = _encode(found[limit - 1][0]) if len(found) > limit else None
    return Page(items=[_view(*one) for one in found[:limit]], next=following)


def candidate_view(session: Session, candidate_id: str) -> CandidateView:
    """One of them, also where it has a review. Raises NotFound."""
    number = number_of(candidate_id)
    found = session.execute(_candidates().where(ReviewCandidate.id == number)).one_or_none()
    if found is None:
        raise no_candidate(candidate_id)
    return _view(*found)


def number_of(candidate_id: str) -> int:
    """Its key in the database. Raises NotFound where none can have that."""
    number = int(candidate_id) if NUMBER.fullmatch(candidate_id) else None
    if number is None or number > MOST_INT:
        raise no_candidate(candidate_id)
    return number


def no_candidate(candidate_id: str) -> NotFound:
    return NotFound(f"There is no candidate {candidate_id}.", hint="GET /reviews/candidates lists them.")


def _candidates() -> Select[Any]:
    """With their recording, and what their analysis was made with; of analyses that nobody has removed."""
    row = ReviewCandidate
    heard = and_(AnalysisRecording.analysis_id == row.analysis_id, AnalysisRecording.position == row.position)
    return (
        select(row, AnalysisRecording, Analysis.about)
        .join(Analysis, Analysis.id == row.analysis_id)
        .join(AnalysisRecording, heard)
        .where(Analysis.removed_at.is_(None))
    )


def _view(row: ReviewCandidate, recording: AnalysisRecording, about: dict[str, Any]) -> CandidateView:
    return CandidateView(
        id=str(row.id),
        analysis=row.analysis_id,
        position=row.position,
        file=recording.file,
        recording_id=recording.recording_id,
        recording_seconds=recording.seconds or row.end,
        start=row.start,
        end=row.end,
        **guess_of(row),
        uncertainty=row.uncertainty,
        others=[Guess.model_validate(one) for one in row.others],
        model=ModelName.model_validate(about["model"]),
    )


def _encode(row: ReviewCandidate) -> str:
    return base64.urlsafe_b64encode(f"{row.uncertainty!r}|{row.id}".encode()).decode()


def _decode(cursor: str) -> Sequence[Any]:
    try:
        uncertainty, _, number = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        place = float(uncertainty), int(number)
    except ValueError:
        place = -1.0, 0
    if not (0 <= place[0] <= 1 and 0 <= place[1] <= MOST_INT):
        raise InvalidInput("The cursor is not one that this service gave out.", hint="Leave it out to start anew.")
    return literal(place[0], Float), literal(place[1], Integer)
