"""Names of species. The scientific name is the identity; common names are what people read.

The built-in list holds common birds of Europe and those of the shipped model; an ingestion adds what its source names.
"""

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.db.tables import Species


@dataclass(frozen=True)
class SpeciesName:
    scientific: str
    common: str = ""
    """In English."""
    names: Mapping[str, str] = field(default_factory=dict)
    """In other languages, by their ISO 639-1 codes."""

    def __iter__(self) -> Iterator[str]:
        """Every name it goes by."""
        yield from filter(None, (self.scientific, self.common, *self.names.values()))


@cache
def built_in() -> dict[str, SpeciesName]:
    """Every built-in species by its scientific name."""
    with (Path(__file__).parent / "species.csv").open(encoding="utf-8", newline="") as lines:
        rows = (
            SpeciesName(row["scientific_name"], row["common_name"], {"de": row["german_name"]})
            for row in csv.DictReader(lines)
        )
        return {name.scientific: name for name in rows}


@cache
def _by_any_name() -> dict[str, SpeciesName]:
    return {folded(key): name for name in built_in().values() for key in name}


def resolve(label: str, common: str = "", names: Mapping[str, str] | None = None) -> SpeciesName:
    """The species that a label means: `Turdus merula`, `turdus_merula`, `Amsel` and `Common Blackbird` are one.

    A label that is in no list stands for itself, as a person wrote it, with single spaces. What `common` and `names`
    add to the built-in names is kept.
    """
    more = {code: name.strip() for code, name in (names or {}).items() if name.strip()}
    common = common or more.get("en", "")
    more.pop("en", None)
    known = _by_any_name().get(folded(label))
    if known is not None:
        return SpeciesName(known.scientific, known.common, {**more, **known.names})
    return SpeciesName(" ".join(label.replace("_", " ").split()), common, more)


def find(session: Session, label: str) -> SpeciesName:
    """As `resolve`, and by the names in all languages that sources gave."""
    meant = resolve(label)
    if meant.scientific in built_in() or session.get(Species, meant.scientific) is not None:
        return meant
    wanted = folded(label)
    # Read in full: no database folds case and signs as Unicode has them, and the world has 11,000 birds.
    rows = session.execute(select(Species.scientific_name, Species.common_name, Species.names))
    for scientific, known_as, names in rows:
        name = SpeciesName(scientific, known_as, names)
        if wanted in map(folded, name):
            return name
    return meant


def ensure(session: Session, name: SpeciesName) -> None:
    """Adds the species to the database, or fills in names that it lacks."""
    row = session.get(Species, name.scientific) or _added(session, name.scientific)
    row.common_name = row.common_name or name.common
    if missing := {code: one for code, one in name.names.items() if one and code not in row.names}:
        row.names = {**row.names, **missing}
    session.flush()


def _added(session: Session, scientific: str) -> Species:
    """The new row, or that of who added the same species at the same moment."""
    row = Species(scientific_name=scientific, common_name="", names={})
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return session.get_one(Species, scientific)
    return row


def folded(label: str) -> str:
    """A name as it is compared: whatever its case, its spaces, and how its accents are encoded."""
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFC", label)).strip().casefold()


def searchable(name: str) -> str:
    """A name as it is searched for: also without its accents."""
    parts = unicodedata.normalize("NFD", folded(name))
    return "".join(sign for sign in parts if not unicodedata.combining(sign))
