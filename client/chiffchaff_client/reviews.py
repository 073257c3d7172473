"""Teaching: passages that a model was least sure of, and what people say of them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from chiffchaff_client.answers import Answer
from chiffchaff_client.bodies import Json
from chiffchaff_client.classification import ModelName
from chiffchaff_client.jobs import Failure
from chiffchaff_client.transport import Call, Transport, at
from chiffchaff_client.work import Show, Work, wait_for


class Guess(Answer):
    """What a model said of a passage."""

    species: str
    common_name: str
    confidence: float


class Candidate(Answer):
    """A passage to listen to; `analyses.snippet` has its sound. `others` is what else was heard there."""

    id: str
    analysis: str
    position: int
    file: str
    recording_id: str | None
    recording_seconds: float
    start: float
    end: float
    species: str
    common_name: str
    confidence: float
    uncertainty: float
    others: list[Guess]
    model: ModelName


class Review(Work):
    """What somebody said. Its state is that of the job that takes it in; then it has a `recording_id`."""

    candidate: str | None
    analysis: str
    position: int
    file: str
    start: float
    end: float
    verdict: str
    species: str | None
    common_name: str
    heard: Guess | None
    model: ModelName
    job: str
    recording_id: str | None
    error: Failure | None
    created_at: datetime

    @property
    def reason(self) -> str:
        return self.error.detail if self.error else ""


class SpeciesCount(Answer):
    species: str
    common_name: str
    count: int


class ReviewCounts(Answer):
    """How far the reviewing is; `taking` are reviews that the library is still taking in."""

    waiting: int
    reviewed: int
    verdicts: dict[str, int]
    species: list[SpeciesCount]
    taking: int
    failed: int


class Reviews:
    """`chiffchaff.reviews`; this needs a key with the scope `train`, where one is asked for."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def candidates(
        self, *, analysis: str | None = None, species: str | None = None, limit: int | None = None
    ) -> Iterator[Candidate]:
        """Those without a review, the most uncertain first, at most `limit`."""
        return self._transport.pages("/reviews/candidates", Candidate, limit, analysis=analysis, species=species)

    def candidate(self, candidate_id: str) -> Candidate:
        """One of them, also where it has a review."""
        return self._transport.get(at("reviews", "candidates", candidate_id), Candidate)

    def say(
        self,
        candidate: str,
        verdict: Literal["confirmed", "corrected", "noise", "unknown"],
        species: str | None = None,
        *,
        recordist: str = "",
        licence: str = "",
    ) -> Review:
        """What sings in a candidate.

        Args:
            species: of a correction, by any name that the library knows.
            recordist: whose recording it is, and under which `licence`, where the library does not have it yet.
        """
        said = {"candidate": candidate, "verdict": verdict, "recordist": recordist, "licence": licence}
        return self._make(said, species)

    def draw(
        self,
        analysis: str,
        position: int,
        start: float,
        end: float,
        species: str | None,
        *,
        recordist: str = "",
        licence: str = "",
    ) -> Review:
        """That a species sings in a stretch of a recording, or, for None, that nobody does."""
        stretch = {"analysis": analysis, "position": position, "start": start, "end": end}
        whose = {"recordist": recordist, "licence": licence}
        return self._make({**stretch, **whose, "verdict": "noise" if species is None else "added"}, species)

    def list(self, *, analysis: str | None = None, limit: int | None = None) -> Iterator[Review]:
        """The newest first, at most `limit`, without those that were withdrawn."""
        return self._transport.pages("/reviews", Review, limit, analysis=analysis)

    def get(self, review_id: str) -> Review:
        return self._transport.get(at("reviews", review_id), Review)

    def wait(self, review_id: str, progress: Show[Review] | None = None, *, seconds: float | None = None) -> Review:
        """Until the library has taken it in; see `Jobs.wait`."""
        return wait_for(lambda: self.get(review_id), progress, seconds, self._transport.patience)

    def counts(self, *, analysis: str | None = None, since: datetime | None = None) -> ReviewCounts:
        """Of all reviews, or of those that are newer than `since`, which has a time zone."""
        after = since.isoformat() if since else None
        return self._transport.get("/reviews/counts", ReviewCounts, analysis=analysis, since=after)

    def withdraw(self, review_id: str) -> None:
        """Its candidate waits again, and the library forgets the mark."""
        self._transport.send(Call("DELETE", at("reviews", review_id)), lambda _: None)

    def _make(self, said: dict[str, Any], species: str | None) -> Review:
        return self._transport.make("/reviews", Review, Json({**said, "species": species}))
