"""`POST /reviews`: what a person says of a candidate, or of a stretch that they drew."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, JsonValue, StringConstraints, Tag, model_validator

from services.inference.teaching.candidates import NUMBER
from services.inference.teaching.uncertainty import LEAST_SECONDS, MOST_SECONDS
from shared.filters import Hex32, Text
from shared.http.asked import MOST_INT, Asked

Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00]*$")]
Seconds = Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False)]
CandidateId = Annotated[str, StringConstraints(pattern=rf"^{NUMBER.pattern}$")]

_CORRECTED: dict[str, JsonValue] = {"candidate": "123", "verdict": "corrected", "species": "Parus major"}
_ADDED: dict[str, JsonValue] = {
    "analysis": "3f0e6c1f9a5e4c0b8f1d2a7c5b9e8d61",
    "position": 0,
    "start": 20.0,
    "end": 22.0,
    "verdict": "added",
    "species": "Great Tit",
    "recordist": "Ann Lee",
    "licence": "CC BY 4.0",
}


class _Said(Asked):
    species: Text | None = Field(None, description="Scientific name, or a common one in any language")
    recordist: Words = Field("", description="Whose recording it is, where the library does not have it yet")
    licence: Words = Field("", description="Under which it is, where the library does not have it yet")


class OfCandidate(_Said):
    """Of a passage that was asked about: `unknown` is a bird that nobody can name, `noise` is none."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CORRECTED]})

    candidate: CandidateId
    verdict: Literal["confirmed", "corrected", "noise", "unknown"]

    @model_validator(mode="after")
    def _only_a_correction_names_a_species(self) -> Self:
        if (self.verdict == "corrected") != (self.species is not None):
            raise ValueError("`species` belongs to the verdict `corrected`, and to no other")
        return self


class OfRegion(_Said):
    """Of a stretch that a person drew: `added` is a species that sings there, `noise` is nobody."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ADDED]})

    analysis: Hex32
    position: int = Field(ge=0, le=MOST_INT)
    start: Seconds
    end: Seconds
    verdict: Literal["added", "noise"]

    @model_validator(mode="after")
    def _it_can_be_listened_to(self) -> Self:
        if not LEAST_SECONDS <= self.end - self.start <= MOST_SECONDS:
            raise ValueError(f"a stretch is {LEAST_SECONDS:g} to {MOST_SECONDS:g} s long, `start` first")
        if (self.verdict == "added") != (self.species is not None):
            raise ValueError("`species` belongs to the verdict `added`, and to no other")
        return self


def _kind(body: Any) -> str:
    return "candidate" if isinstance(body, OfCandidate) or "candidate" in _keys(body) else "region"


def _keys(body: Any) -> Any:
    return body if isinstance(body, dict) else ()


Said = Annotated[Annotated[OfCandidate, Tag("candidate")] | Annotated[OfRegion, Tag("region")], Discriminator(_kind)]
