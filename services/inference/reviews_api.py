"""Teaching: candidates to review, the most uncertain first, and what people said of them."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from services.inference.analyses.lookup import analysis_of
from services.inference.teaching.candidates import CandidateView, candidate_page, candidate_view
from services.inference.teaching.requests import Said
from services.inference.teaching.reviewing import review, withdraw
from services.inference.teaching.views import (
    ReviewCounts,
    ReviewView,
    review_counts,
    review_of,
    review_page,
    review_view,
)
from shared.filters import Hex32, Text
from shared.http.accepting import IdempotencyHeader, accept
from shared.http.asked import Moment
from shared.http.auth import Calling, needs
from shared.http.pages import Cursor, Limit, Page
from shared.http.resources import Config, Reads, Writes

router = APIRouter(prefix="/reviews", tags=["teaching"], dependencies=[needs("train")])

OfAnalysis = Annotated[Hex32 | None, Query(description="Only of this analysis")]


@router.get("/candidates", summary="What a person should listen to, the most uncertain first")
async def list_candidates(
    caller: Calling,
    reads: Reads,
    analysis: OfAnalysis = None,
    species: Annotated[Text | None, Query(description="Only what was taken for this one, by any of its names")] = None,
    limit: Limit = 20,
    cursor: Annotated[
        str | None,
        Query(description="`next` of the page before", json_schema_extra={"format": "candidate-cursor"}),
    ] = None,
) -> Page[CandidateView]:
    """Those without a review. Their sound is at `/analyses/{analysis}/recordings/{position}/snippet`."""

    def read(session: Session) -> Page[CandidateView]:
        if analysis is not None:
            analysis_of(session, caller, analysis)
        return candidate_page(session, analysis, species, limit, cursor)

    async with reads() as session:
        return await session.run_sync(read)


@router.get("/candidates/{candidate_id}", summary="A candidate")
async def get_candidate(candidate_id: str, reads: Reads) -> CandidateView:
    """Also one that has a review."""
    async with reads() as session:
        return await session.run_sync(candidate_view, candidate_id)


@router.get("/counts", summary="How many wait, how many are reviewed, and what was said")
async def count_reviews(
    reads: Reads,
    analysis: OfAnalysis = None,
    since: Annotated[
        Moment | None, Query(description="Only reviews that are newer, such as than the dataset of a model")
    ] = None,
) -> ReviewCounts:
    async with reads() as session:
        return await session.run_sync(review_counts, analysis, since)


@router.post("", status_code=201, response_model=ReviewView, summary="Say what sings in a passage, or that nobody does")
async def create_review(
    said: Said, request: Request, caller: Calling, settings: Config, writes: Writes, key: IdempotencyHeader = None
) -> JSONResponse:
    """Of a candidate, or of a stretch of any recording that an analysis has heard.

    A job takes it in: the recording, or an excerpt of a long one, is in the library then, with a mark on it, and the
    next dataset holds it.
    """
    make = partial(review, said=said, caller=caller, max_attempts=settings.max_attempts)
    return await accept(request, writes, key, said.model_dump(mode="json"), make)


@router.get("", summary="The reviews, newest first")
async def list_reviews(
    reads: Reads, analysis: OfAnalysis = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[ReviewView]:
    """Without those that were withdrawn; also of analyses that are removed."""
    async with reads() as session:
        return await session.run_sync(review_page, analysis, limit, cursor)


@router.get("/{review_id}", summary="A review, and how far the library is with it")
async def get_review(review_id: str, reads: Reads) -> ReviewView:
    async with reads() as session:
        return await session.run_sync(lambda sync: review_view(sync, review_of(sync, review_id)))


@router.delete("/{review_id}", status_code=204, summary="Withdraw a review")
async def delete_review(review_id: str, settings: Config, writes: Writes) -> None:
    """Its candidate waits again, and the library forgets the mark; a recording that came by reviews only goes with the
    last of them."""

    def write(session: Session) -> None:
        withdraw(session, review_id, max_attempts=settings.max_attempts)

    async with writes.begin() as session:
        await session.run_sync(write)
