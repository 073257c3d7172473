"""Names of species. The scientific name is the identity; common names are what people read.

The built-in list holds common birds of Europe and those of the shipped model; an ingestion adds what its source names.
"""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy.orm import Session

from shared.db.tables import Species


@dataclass(frozen=True)
class SpeciesName:
    scientific: str
    common: str = ""
    german: str = ""


@cache
def built_in() -> dict[str, SpeciesName]:
    """Every built-in species by its scientific name."""
    with (Path(__file__).parent / "species.csv").open(encoding="utf-8", newline="") as lines:
        rows = (
            SpeciesName(row["scientific_name"], row["common_name"], row["german_name"]) for row in csv.DictReader(lines)
        )
        return {name.scientific: name for name in rows}


@cache
def _by_any_name() -> dict[str, SpeciesName]:
    found: dict[str, SpeciesName] = {}
    for name in built_in().values():
        for key in (name.common, name.german, name.scientific):
            found[_folded(key)] = name
    return found


def resolve(label: str, common: str = "") -> SpeciesName:
    """The species that a label means: `Turdus merula`, `turdus_merula`, `Amsel` and `Common Blackbird` are one.

    A label that is in no list stands for itself, as a person wrote it, with single spaces.
    """
    known = _by_any_name().get(_folded(label))
    if known is not None:
        return known
    return SpeciesName(" ".join(label.replace("_", " ").split()), common)


def ensure(session: Session, name: SpeciesName) -> None:
    """Adds the species to the database, or fills in names that it lacks."""
    row = session.get(Species, name.scientific)
    if row is None:
        row = Species(scientific_name=name.scientific, common_name="", names={})
        session.add(row)
    row.common_name = row.common_name or name.common
    if name.german and "de" not in row.names:
        row.names = {**row.names, "de": name.german}
    session.flush()


def _folded(label: str) -> str:
    return re.sub(r"[\s_-]+", " ", label).strip().casefold()
