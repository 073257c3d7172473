"""Species: what the library holds of each, and which are to be expected at a place in a season."""

import datetime
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Unpack

from chiffchaff_client.answers import Answer
from chiffchaff_client.filters import RecordingFilters
from chiffchaff_client.transport import Transport


class Species(Answer):
    """A species and what there is of it; `names` are those in other languages than English, by ISO 639-1 code."""

    scientific_name: str
    common_name: str
    names: dict[str, str]
    recordings: int
    recordists: int
    seconds: float
    signal_seconds: float
    quality: dict[str, int]


class ExpectedSpecies(Answer):
    """A species that was recorded nearby in the season."""

    species: str
    common_name: str
    expected: bool | None
    """None where too little is known to say."""
    share: float
    """Of the nearby visits, those with it, 0..1; no probability of occurrence."""
    visits: float


class ExpectedHere(Answer):
    """The species that were recorded nearby in the season, the largest share first; `note` says why there are none."""

    latitude: float | None = None
    longitude: float | None = None
    date: datetime.date | None = None
    nearby_visits: float
    learned_at: datetime.datetime | None = None
    note: str
    species: list[ExpectedSpecies]


class SpeciesOfLibrary:
    """`chiffchaff.species`"""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, q: str | None = None, **filters: Unpack[RecordingFilters]) -> Sequence[Species]:
        """Of the recordings that the filters name; `q` is a part of any name, in any language."""
        return self._transport.get("/species", list[Species], q=q, **filters)

    def expected(
        self,
        *,
        latitude: float | None = None,
        longitude: float | None = None,
        date: datetime.date | str | None = None,
        limit: int | None = None,
    ) -> ExpectedHere:
        """What the library lets expect at a place, in the season of a date, or both; at most `limit` species."""
        return self._transport.get(
            "/species/expected", ExpectedHere, latitude=latitude, longitude=longitude, date=date, limit=limit
        )

    def save(self, target: str | PathLike[str], q: str | None = None, **filters: Unpack[RecordingFilters]) -> Path:
        """What `list` gives, as a table (CSV)."""
        return self._transport.save("/species", target, "text/csv", q=q, **filters)

    def draw(
        self,
        target: str | PathLike[str],
        q: str | None = None,
        *,
        top: int | None = None,
        **filters: Unpack[RecordingFilters],
    ) -> Path:
        """Draws minutes of signal of the `top` species into a PNG."""
        return self._transport.save("/species.png", target, q=q, top=top, **filters)
