"""Lists of species, as people keep them for a place or a survey, resolved to what a model can hear.

A line is a name, scientific or common in any language that is known; or `Turdus merula_Common Blackbird`, as BirdNET
writes it; or cells between tabs, commas or semicolons, where a header may say which of them hold names.
Lines that begin with `#`, and what follows ` #`, are comments.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.inference.nearest import NearestNames
from shared.errors import InvalidInput
from shared.model_file import Label
from shared.species import SpeciesName, built_in, folded, resolve

MOST_LINES = 20_000
MOST_SIGNS = 2_000_000
DELIMITERS = "\t;,"
COMMENT = re.compile(r"(^|\s)#.*")
SCIENTIFIC = frozenset(("scientific name", "scientificname", "scientific", "species", "latin name", "taxon"))
COMMON = frozenset(("common name", "commonname", "common", "english name", "english", "german name", "name", "label"))


@dataclass(frozen=True)
class Line:
    """A line that names no species of the model."""

    number: int
    """From 1, as an editor counts."""
    text: str
    nearest: tuple[str, ...] = ()
    """The names most like it, of the model's species."""


@dataclass(frozen=True)
class SpeciesList:
    species: tuple[str, ...]
    """Scientific names as the model's labels have them, each once, in the list's order."""
    unknown: tuple[Line, ...]
    """What is no name of any known species, or one that several species share."""
    not_heard: tuple[Line, ...]
    """Species that are known, but not to the model."""


@dataclass(frozen=True)
class _Names:
    """Which scientific names each folded name may mean."""

    meant: Mapping[str, set[str]]
    labels: Mapping[str, str] = field(default_factory=dict)
    """The model's own spelling by folded scientific name."""

    def species(self, name: str) -> set[str]:
        return self.meant.get(folded(name), set())


def parse_species_list(text: str, labels: Sequence[Label], known: Iterable[SpeciesName] = ()) -> SpeciesList:
    """The species of a list that a model can hear, and every line that is not among them.

    Args:
        text: of the file; a byte order mark and any line ends are fine.
        labels: of the model.
        known: further species with their names, such as those of the library; the built-in ones are known anyway.

    Raises:
        InvalidInput: for a list that is too long to be one.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if len(lines) > MOST_LINES or len(text) > MOST_SIGNS:
        raise InvalidInput(
            f"The species list has {len(lines):,} lines and {len(text):,} signs.",
            hint=f"At most {MOST_LINES:,} lines and {MOST_SIGNS:,} signs are read; one species stands on each line.",
        )
    names = _names(labels, known)
    nearest = NearestNames([name for label in labels for name in _names_of(label)])
    found: dict[str, None] = {}
    unknown: list[Line] = []
    not_heard: list[Line] = []
    for number, line, candidates in _candidates(lines):
        species = next((one for one in map(names.species, candidates) if len(one) == 1), set())
        heard = [names.labels[folded(one)] for one in species if folded(one) in names.labels]
        if heard:
            found.update(dict.fromkeys(heard))
        elif species:
            not_heard.append(Line(number, line))
        else:
            unknown.append(Line(number, line, _suggested(candidates, names, nearest)))
    return SpeciesList(tuple(found), tuple(unknown), tuple(not_heard))


def _suggested(candidates: Sequence[str], names: _Names, nearest: NearestNames) -> tuple[str, ...]:
    shared_by = [name for one in candidates for name in sorted(names.species(one))]
    return tuple(shared_by) or next(filter(None, map(nearest.to, candidates)), ())


def _names_of(label: Label) -> Iterator[str]:
    """Its own, and those of the built-in species that one of them means."""
    known = resolve(label.scientific)
    if known.scientific not in built_in() and label.common:
        known = resolve(label.common)
    yield from dict.fromkeys(filter(None, (label.scientific, label.common, *known)))


def _names(labels: Sequence[Label], known: Iterable[SpeciesName]) -> _Names:
    meant: dict[str, set[str]] = {}
    for species in (*built_in().values(), *known):
        for name in species:
            meant.setdefault(folded(name), set()).add(species.scientific)
    scientific = {folded(label.scientific): label.scientific for label in labels}
    # What the model itself calls a species comes before all others, also where it has an older scientific name.
    own: dict[str, set[str]] = {}
    for label in labels:
        for name in map(folded, _names_of(label)):
            if name == folded(label.scientific) or name not in scientific:
                own.setdefault(name, set()).add(label.scientific)
    return _Names({**meant, **own}, scientific)


def _candidates(lines: Sequence[str]) -> Iterator[tuple[int, str, list[str]]]:
    """Of each line that holds something: its number, its text, and the names it may mean, the best first."""
    kept = [(number, COMMENT.sub("", line)) for number, line in enumerate(lines, start=1)]
    kept = [(number, line) for number, line in kept if line.strip()]
    if not kept:
        return
    delimiter = max(DELIMITERS, key=kept[0][1].count)
    columns = _header(_cells(kept[0][1], delimiter))
    for number, line in kept[1:] if columns else kept:
        if columns:
            cells = _cells(line, delimiter)
            names = [cells[at] for at in columns if at < len(cells)]
        else:
            names = [line.strip().strip('"'), *_cells(line, max(DELIMITERS, key=line.count))]
        yield number, line.strip(), _parts(names)


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]


def _header(cells: Sequence[str]) -> list[int] | None:
    """The columns with names, scientific ones first; None where the line is no header."""
    keys = [folded(cell) for cell in cells]
    scientific = [at for at, key in enumerate(keys) if key in SCIENTIFIC]
    common = [at for at, key in enumerate(keys) if key in COMMON]
    return [*scientific, *common] or None


def _parts(cells: Sequence[str]) -> list[str]:
    """The cells, and what stands before and after the `_` of each, as in BirdNET's `Turdus merula_Common Blackbird`."""
    parts: list[str] = []
    for cell in cells:
        scientific, between, common = cell.partition("_")
        parts.extend([cell, scientific, common] if between else [cell])
    return [part for part in dict.fromkeys(parts) if part.strip()]
