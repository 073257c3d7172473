"""What the library holds of each species: one grouped query over an index that has all it needs."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from shared import species
from shared.db.tables import Recording, Species
from shared.filters import RecordingFilters, Text, conditions
from shared.species import SpeciesName

QUALITIES = ("A", "B", "C", "D", "E")


class SpeciesQuery(RecordingFilters):
    q: Text | None = Field(None, description="A part of any of its names, in any language, with or without accents")


class SpeciesView(BaseModel):
    """A species and what there is of it: how many recordings by whom, how long, and how long it is heard."""

    scientific_name: str
    common_name: str
    names: dict[str, str] = Field(description="By ISO 639-1 codes of languages other than English")
    recordings: int
    recordists: int
    seconds: float
    signal_seconds: float
    quality: dict[str, int] = Field(description="How many recordings are rated A to E, or `unrated`")


def species_of(session: Session, wanted: SpeciesQuery) -> list[SpeciesView]:
    """Those with a recording that the filters name, by scientific name.

    Raises:
        InvalidInput: as `filters.conditions`.
    """
    names = _names(session, wanted.q)
    query = _query().where(*conditions(session, wanted))
    if wanted.q is not None:
        query = query.where(Recording.label.in_(names))
    # A species that came in between the two queries has no further names yet.
    return [_view(names.get(label, SpeciesName(label)), figures) for label, *figures in session.execute(query)]


def table_of(found: Sequence[SpeciesView]) -> Iterable[list[object]]:
    """With a header, and a column for each language in which one has a name."""
    languages = sorted({code for one in found for code in one.names})
    figures = ["recordings", "recordists", "seconds", "signal_seconds"]
    ratings = [*QUALITIES, "unrated"]
    yield ["scientific_name", "common_name", *(f"name_{code}" for code in languages), *figures, *ratings]
    for one in found:
        names = (one.names.get(code, "") for code in languages)
        yield [
            one.scientific_name,
            one.common_name,
            *names,
            *(getattr(one, name) for name in figures),
            *(one.quality[rating] for rating in ratings),
        ]


def _view(name: SpeciesName, figures: Sequence[Any]) -> SpeciesView:
    recordings, recordists, seconds, signal, *rated = figures
    return SpeciesView(
        scientific_name=name.scientific,
        common_name=name.common,
        names=dict(name.names),
        recordings=recordings,
        recordists=recordists,
        seconds=round(seconds or 0.0, 1),
        signal_seconds=round(signal or 0.0, 1),
        quality=dict(zip((*QUALITIES, "unrated"), rated, strict=True)),
    )


def _names(session: Session, q: str | None) -> dict[str, SpeciesName]:
    """Of all species, or of those that one of their names lets find."""
    rows = session.execute(select(Species.scientific_name, Species.common_name, Species.names))
    names = (SpeciesName(scientific, common, given) for scientific, common, given in rows)
    wanted = species.searchable(q or "")
    return {
        name.scientific: name for name in names if q is None or any(wanted in species.searchable(one) for one in name)
    }


def _query() -> Select[*tuple[Any, ...]]:
    named = Recording.recordist != ""
    rated = [func.count().filter(Recording.quality == one) for one in QUALITIES]
    return (
        select(
            Recording.label,
            func.count(),
            func.count(Recording.recordist.distinct()).filter(named),
            func.sum(Recording.seconds),
            func.sum(Recording.signal_seconds),
            *rated,
            func.count().filter(Recording.quality.is_(None)),
        )
        .where(Recording.label.is_not(None))
        .group_by(Recording.label)
        .order_by(Recording.label)
    )
