"""A folder as a source: sub-folders are named by species, files lie in them at any depth. It is only read."""

from collections.abc import Iterator
from pathlib import Path

from services.ingest.items import Item
from shared.errors import InvalidInput


def folder_items(root: Path, *, recordist: str = "", licence: str = "") -> Iterator[Item]:
    """Every visible file below `root`, in a stable order; the first sub-folder's name is the label.

    Raises:
        InvalidInput: when there is no such folder.
    """
    if not root.is_dir():
        raise InvalidInput(f"There is no folder {root}.", hint="Name a folder that the server can read.")
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if any(part.startswith(".") for part in relative.parts) or not path.is_file():
            continue
        yield Item(
            path=path,
            name=relative.as_posix(),
            label=relative.parts[0] if len(relative.parts) > 1 else None,
            recordist=recordist,
            licence=licence,
        )
