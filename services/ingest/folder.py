"""A folder as a source: sub-folders are named by species, files lie in them at any depth. It is only read."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from services.ingest.annotations import kind_of
from services.ingest.items import Item
from services.ingest.marked import annotation_files
from shared import species
from shared.errors import InvalidInput
from shared.walk import UNFINISHED, Entered, Found, LeftOut, walk

# As BirdNET names the folders of a training: `Turdus merula_Eurasian Blackbird`.
_BOTH_NAMES = re.compile(r"(?P<scientific>[A-Z][a-z-]+ [a-z-]+( [a-z-]+)?)_(?P<common>.+)")


@dataclass
class FolderFiles:
    """Every visible file below `root`, in a stable order; the name of the first sub-folder is the label.

    Args:
        root: without links.
        within: links out of it are not followed; None where the whole disk may be read.

    Raises:
        InvalidInput: when there is no such folder.
    """

    root: Path
    within: Path | None = None
    recordist: str = ""
    licence: str = ""
    classes: dict[str, str | None] = field(default_factory=dict)
    """The sub-folders seen so far, also empty ones, with the label that each gives; None where it is no species."""

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise InvalidInput(f"There is no folder {self.root}.", hint="Name a folder that the server can read.")

    def count(self) -> Iterator[int]:
        """How many there are, counted up while one waits."""
        files = 0
        for found in walk(self.root, self.within, annotation_files):
            files += not isinstance(found, Entered)
            yield files

    def __iter__(self) -> Iterator[Item | LeftOut]:
        for found in walk(self.root, self.within, annotation_files):
            if isinstance(found, LeftOut):
                yield found
            elif isinstance(found, Found):
                yield self._file(found)
            elif len(found.parts) == 1:
                self.classes[_text(found.parts[0])] = _species_of(found.parts[0])[0]

    def _file(self, found: Found) -> Item | LeftOut:
        if found.parts[-1].lower().endswith(UNFINISHED):
            reason = "Its name says that it is not finished. Ingest the folder again when it is."
            return LeftOut(found.name, "skipped", "unfinished-file", reason)
        label, common = _species_of(found.parts[0]) if len(found.parts) > 1 else (None, "")
        return Item(
            path=found.path,
            name=found.name,
            version=found.version,
            label=label,
            common_name=common,
            recordist=self.recordist,
            licence=self.licence,
            annotation_files=tuple(found.path.with_name(name) for name in found.beside),
        )


@lru_cache(maxsize=1024)
def _species_of(folder: str) -> tuple[str | None, str]:
    """The species that a folder stands for, if any, and its common name where the folder has both."""
    name = _text(folder)
    if not species.resolve(name).scientific or kind_of(name) != "species":
        return None, ""
    if both := _BOTH_NAMES.fullmatch(name):
        return both["scientific"], both["common"]
    return name, ""


def _text(name: str) -> str:
    """A folder's name to be read as a species; one that is no UTF-8 was most likely written on an old Windows."""
    return os.fsencode(name).decode("latin-1") if any("\udc80" <= one <= "\udcff" for one in name) else name
