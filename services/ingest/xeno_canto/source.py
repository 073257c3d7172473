"""What an ingestion from Xeno-canto may be asked for, and the tagged queries that it becomes."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from shared import species
from shared.errors import InvalidInput
from shared.http.asked import Asked, AsList, Day
from shared.settings import Settings

QUALITIES = "ABCDE"
LONGEST_SECONDS = 86_400
_TAGGED = re.compile(r'\s*([a-z]+(?:-[a-z]+)*:(?:"[^"]*"|[^\s"]+))(?=\s|$)', re.IGNORECASE)
_SPECIES = re.compile(r"[A-Z][a-z-]+ [a-z-]+")

Quality = Literal["A", "B", "C", "D", "E", "B or better", "C or better", "D or better"]
# No quotation mark, no backslash, no control character: what is quoted cannot end early and begin another tag.
Value = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100, pattern=r'^[^"\\\x00-\x1f\x7f]*$')]
Query = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Seconds = Annotated[int, Field(ge=0, le=LONGEST_SECONDS)]


class XenoCantoSource(Asked):
    """Recordings of Xeno-canto: by its own tagged query, or by fields that build one."""

    source: Literal["xeno-canto"]
    query: Query | None = Field(default=None, description='Tagged, such as `gen:turdus cnt:"Costa Rica" q:A`')
    species: list[Value] = Field(default=[], max_length=500, description="Scientific names, or English or German ones")
    country: Value = Field(default="", description="In English; `=Niger` is not Nigeria as well")
    quality: Quality | None = None
    unrated: bool = Field(default=False, description="With `quality`: also recordings that nobody rated")
    type: Value = Field(default="", description="song, call, ...")
    min_seconds: Seconds | None = None
    max_seconds: Seconds | None = None
    box: Annotated[tuple[Latitude, Longitude, Latitude, Longitude], AsList] | None = Field(
        default=None, description="South, west, north, east, in degrees"
    )
    year: Annotated[int, Field(ge=1900, le=2200)] | None = Field(default=None, description="In which it was recorded")
    since: Day | None = Field(default=None, description="Uploaded since")
    max_per_species: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="The best come first: quality (A, B, unrated, C, D, E), then the longer"
    )
    no_derivatives: Literal["include", "exclude"] = Field(
        default="exclude", description="Recordings under a NoDerivatives licence"
    )
    dry_run: bool = Field(default=False, description="Only say what there is, and how much")

    @field_validator("species")
    @classmethod
    def _scientific(cls, names: list[str]) -> list[str]:
        found = [species.resolve(name).scientific for name in names]
        for name in found:
            if not _SPECIES.fullmatch(name):
                raise ValueError(f"{name!r} is no species' scientific name, such as Turdus merula")
        return list(dict.fromkeys(found))

    @model_validator(mode="after")
    def _one_way_to_ask(self) -> Self:
        fields = self._tags()
        if self.query is not None and (fields or self.species or self.quality):
            raise ValueError("give `query` or the other fields, not both: add their tags to the query")
        if self.query is None and not (fields or self.species or self.quality):
            raise ValueError("name at least a species, a country or another field: all of Xeno-canto is too much")
        if self.unrated and self.quality is None:
            raise ValueError("`unrated` goes with `quality`; without it, unrated recordings are there anyway")
        if self.min_seconds is not None and self.max_seconds is not None and self.min_seconds > self.max_seconds:
            raise ValueError("min_seconds is above max_seconds")
        if self.box and (self.box[0] >= self.box[2] or self.box[1] >= self.box[3]):
            raise ValueError("box is south, west, north, east: south lies below north, and west below east")
        return self

    def resolved(self, settings: Settings) -> list[str]:
        """The queries to send, one per species.

        Raises:
            InvalidInput: when the server has no key for Xeno-canto, or the query holds text without a tag.
        """
        if not settings.xeno_canto_key.get_secret_value():
            raise InvalidInput(
                "This server has no key for Xeno-canto.",
                hint="A key comes with an account there (xeno-canto.org/account); the operator sets it as "
                "CHIFFCHAFF_XENO_CANTO_KEY and starts Chiffchaff anew.",
            )
        return self.queries()

    def queries(self) -> list[str]:
        """The tagged queries. Raises InvalidInput when `query` holds text without a tag."""
        if self.query is not None:
            return [_checked(self.query)]
        tags = self._tags()
        if self.quality is not None and not self.unrated:  # a recording without a rating fits no such tag
            letter, _, better = self.quality.partition(" ")
            tags.append(f'q:">{chr(ord(letter) + 1)}"' if better else f"q:{letter}")
        return [" ".join([f'sp:"{name.lower()}"', *tags]) for name in self.species] or [" ".join(tags)]

    @property
    def accepted_qualities(self) -> frozenset[str | None]:
        """What may come in; None stands for unrated."""
        if self.quality is None:
            return frozenset((*QUALITIES, None))
        letter, _, better = self.quality.partition(" ")
        rated = QUALITIES[: QUALITIES.index(letter) + 1] if better else letter
        return frozenset((*rated, None) if self.unrated else rated)

    def _tags(self) -> list[str]:
        tags = [f'{tag}:"{value}"' for tag, value in (("cnt", self.country), ("type", self.type)) if value]
        if self.min_seconds is not None or self.max_seconds is not None:
            longest = LONGEST_SECONDS if self.max_seconds is None else self.max_seconds
            tags.append(f"len:{self.min_seconds or 0}-{longest}")
        if self.box:
            tags.append("box:" + ",".join(f"{degrees:.6f}".rstrip("0").rstrip(".") for degrees in self.box))
        if self.year is not None:
            tags.append(f"year:{self.year}")
        if self.since:
            tags.append(f"since:{self.since.isoformat()}")
        return tags


def _checked(query: str) -> str:
    at = 0
    while query[at:].strip():
        found = _TAGGED.match(query, at)
        if not found:
            raise InvalidInput(
                f"The query has text without a tag: {query[at:].strip()[:60]}",
                hint='Xeno-canto takes tags only, such as gen:turdus sp:"turdus merula" en:"=robin" cnt:germany q:A; '
                "values of several words stand in quotation marks.",
            )
        at = found.end()
    return query.strip()
