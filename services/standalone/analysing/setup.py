"""What is said to a worker: how to hear at first, then what."""

import json
from pathlib import Path

from pydantic import BaseModel

from services.inference.results.model import About
from services.standalone.analysing.kept import Snippets
from services.standalone.analysing.recordings import Recording
from shared.audio.report import DecodeLimits


class Setup(BaseModel):
    """How recordings are heard. `padding` are the seconds around each snippet."""

    folder: Path
    model: Path
    about: About
    snippets: Snippets | None
    padding: float
    limits: DecodeLimits


def as_line(recording: Recording) -> str:
    """For another process; names may hold bytes that are no UTF-8."""
    return json.dumps([str(recording.path), recording.name, recording.size, recording.modified_ns])


def from_line(line: str | bytes) -> Recording:
    path, name, size, modified_ns = json.loads(line)
    return Recording(Path(path), name, size, modified_ns)
