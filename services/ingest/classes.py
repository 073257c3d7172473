"""What a person should look at though nothing failed: empty classes, small ones, names that may be mistyped."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import species
from shared.db.tables import Species

FEW = 10
"""Recordings that a class should have at the least: some to learn from, some to test on."""
NAMES_SHOWN = 20
LIKE = 0.82


def class_warnings(
    session: Session, usable: Mapping[str, int], classes: Mapping[str, str | None], named: Iterable[str]
) -> list[str]:
    """One sentence each.

    Args:
        usable: how many recordings of each label, as it was written, are in.
        classes: the folders that stand for classes, with their labels; also those without any recording.
        named: the labels for which the source itself gave a common name.
    """
    by_species: dict[str, list[str]] = {}
    for label in dict.fromkeys([*filter(None, classes.values()), *usable]):
        by_species.setdefault(species.resolve(label).scientific, []).append(label)
    counts = Counter({name: sum(usable.get(label, 0) for label in labels) for name, labels in by_species.items()})
    mine = {species.resolve(label).scientific for label in named}
    return [
        *(f"{folder} names no species: what is in it has no label." for folder, label in classes.items() if not label),
        *(f"{_listed(labels)} mean one species, {name}." for name, labels in by_species.items() if len(labels) > 1),
        *_of_all([name for name in by_species if not counts[name]], "holds no recording that can be used."),
        *_few(counts),
        *_unknown(session, [name for name in by_species if name not in mine]),
    ]


def _few(counts: Mapping[str, int]) -> list[str]:
    few = [f"{name} ({count})" for name, count in counts.items() if 0 < count < FEW]
    return [f"Fewer than {FEW} recordings, which is little to learn from: {_listed(few)}."] if few else []


def _unknown(session: Session, names: list[str]) -> list[str]:
    known = _known_names(session)
    unknown = [name for name in names if name not in species.built_in() and name.casefold() not in known]
    meant = {}
    for name in unknown[: 10 * NAMES_SHOWN]:
        if close := difflib.get_close_matches(name.casefold(), known, n=1, cutoff=LIKE):
            meant[name] = known[close[0]]
    strange = [name for name in unknown if name not in meant]
    return [
        *(f"{name} is in no list of species here. Is it {other}?" for name, other in meant.items()),
        *_of_all(strange, "is in no list of species here; it is a class by that name."),
    ]


def _known_names(session: Session) -> dict[str, str]:
    """The species by all their names, folded: the built-in ones and those that a source gave common names for."""
    known: dict[str, str] = {}
    for name in species.built_in().values():
        known.update({one.casefold(): one for one in name})
    rows = session.execute(select(Species.scientific_name, Species.common_name).where(Species.common_name != ""))
    known.update({one.casefold(): one for row in rows for one in row})
    return known


def _of_all(names: list[str], said: str) -> list[str]:
    shown = [f"{name} {said}" for name in names[:NAMES_SHOWN]]
    more = len(names) - NAMES_SHOWN
    return [*shown, f"{more:,} more like {names[NAMES_SHOWN]}."] if more > 0 else shown


def _listed(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    shown = ", ".join(names[:NAMES_SHOWN])
    return f"{shown} and {more:,} more" if more > 0 else shown
