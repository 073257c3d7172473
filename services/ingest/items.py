"""What every source yields: one file with what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from shared.walk import Version


@dataclass(frozen=True)
class Item:
    """One file of a source. `name` is what a person calls it: its path inside the source."""

    path: Path
    name: str
    version: Version | None = None
    """As it was listed; null where the file came with the request."""
    label: str | None = None
    common_name: str = ""
    """Of the label, in English."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Of the label, in other languages, by their ISO 639-1 codes."""
    secondary: tuple[str, ...] = ()
    recordist: str = ""
    licence: str = ""
    xc_id: str | None = None
    source_url: str = ""
    country: str = ""
    locality: str = ""
    latitude: float | None = None
    longitude: float | None = None
    recorded_on: date | None = None
    recorded_time: str = ""
    quality: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    annotations: tuple[dict[str, Any], ...] = ()
    """Marked sections, as `Recording.annotations` has them."""
    annotation_files: tuple[Path, ...] = ()
    """Where more of them are, to be read when the file is taken in."""
