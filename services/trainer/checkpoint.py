"""Checkpoints: the state after an epoch, written whole or not at all, without pickled code."""

import errno
import io
import os
from pathlib import Path
from typing import Any

import torch

FULL = (errno.ENOSPC, errno.EDQUOT)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Replace the checkpoint at `path`; a kill at any moment leaves the old one or the new one.

    Raises OSError with a sentence where the disk is full; the old one is still there then.
    """
    content = io.BytesIO()
    torch.save(state, content)  # not into the file: where the disk is full, torch would say something else
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno not in FULL:
            raise
        raise OSError(
            error.errno,
            f"The disk is full: {path.name} could not be written, the one before it is kept. Make room, and start the "
            "training again: it goes on from there.",
        ) from error


def load_checkpoint(path: Path, fingerprint: str) -> dict[str, Any] | None:
    """The state saved at `path` by a run with the same fingerprint (dataset and configuration), or `None`."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state if state["fingerprint"] == fingerprint else None
