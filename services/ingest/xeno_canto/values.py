"""Values as people typed them over twenty years: each reader gives what is certain, and nothing where nothing is."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

DEEPEST = 12
LONGEST_TEXT = 20_000
LONGEST_SECONDS = 10_000_000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BINOMIAL = re.compile(r"[A-Z][a-z]+(?:-[a-z]+)? [a-z]+(?:-[a-z]+)?")
_ADDRESS = re.compile(r"(https?:)?//[\w.-]+(:\d{1,5})?(/[^\s\\]*)?", re.IGNORECASE | re.ASCII)
_TIME = re.compile(r"(\d{1,2})[:.](\d{2})(?::\d{2})?")
_NO_SPECIES = frozenset({"mystery", "sonus", "unknown", "identity"})
"""The genera of what nobody could name, and of soundscapes."""


def storable(value: Any, depth: int = 0) -> Any:
    """The value as JSON that any database takes: without NUL, half characters, NaN, and nesting without end."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value[:LONGEST_TEXT])
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [storable(inner, depth + 1) for inner in value]
    return value


def text(value: Any) -> str:
    """One line; a number as it is written; empty for all else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(str(value).split())


def number_of(value: Any) -> str | None:
    """The catalogue number, digits only: `123` for 123, "123" and "XC123"."""
    digits = re.fullmatch(r"(?:XC)?0*([1-9][0-9]{0,11})", text(value), re.IGNORECASE)
    return digits[1] if digits else None


def decimal(value: Any) -> float | None:
    try:
        found = float(text(value))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def degrees(value: Any, limit: int) -> float | None:
    found = decimal(value)
    return found if found is not None and -limit <= found <= limit else None


def seconds(value: Any) -> float | None:
    """Of `4:13`, `1:02:03` or a number."""
    parts = text(value).split(":")
    figures = [decimal(part) for part in parts]
    if len(parts) > 3 or any(figure is None or figure < 0 for figure in figures):
        return None
    total = sum((figure or 0.0) * 60**place for place, figure in enumerate(reversed(figures)))
    return total if total <= LONGEST_SECONDS else None


def day(value: Any) -> date | None:
    """None for partial dates such as `2008-00-00`."""
    try:
        return date.fromisoformat(text(value))
    except ValueError:
        return None


def time_of_day(value: Any) -> str:
    """`HH:MM`; empty for `?` or `early morning`."""
    found = _TIME.fullmatch(text(value))
    try:
        return time(int(found[1]), int(found[2])).strftime("%H:%M") if found else ""
    except ValueError:
        return ""


def binomial(*words: Any) -> str | None:
    """The scientific name of a species; None for a genus alone, a hybrid, a soundscape or a mystery."""
    name = " ".join(filter(None, map(text, words)))
    name = name[:1].upper() + name[1:]
    if not _BINOMIAL.fullmatch(name) or name.split()[0].lower() in _NO_SPECIES:
        return None
    return name


def address(value: Any) -> str:
    """Of a string, or of the first string that looks like one in an object."""
    if isinstance(value, Mapping):
        return next((found for inner in value.values() if (found := address(inner))), "")
    found = text(value)
    return found if _ADDRESS.fullmatch(found) else ""


def marks(value: Any) -> Iterator[dict[str, Any]]:
    """Annotations that have a beginning and an end, as `{"start": seconds, "end": seconds, "species": name or ""}`.

    They may lie in a list, in sets of a list, or below a key `annotations`.
    """
    entries = value if isinstance(value, list) else [value]
    for entry in entries:
        if not isinstance(entry, Mapping):
            continue
        start, end = _first(entry, "start_time", "start"), _first(entry, "end_time", "end")
        begins, ends = seconds(start), seconds(end)
        if begins is not None and ends is not None and begins < ends:
            name = _first(entry, "scientific_name", "species")
            yield {"start": begins, "end": ends, "species": binomial(name) or ""}
        elif isinstance(entry.get("annotations"), list):
            yield from marks([one for one in entry["annotations"] if not _holds_sets(one)])


def _first(entry: Mapping[str, Any], *keys: str) -> Any:
    return next((entry[key] for key in keys if entry.get(key) is not None), None)


def _holds_sets(entry: Any) -> bool:
    return isinstance(entry, Mapping) and "annotations" in entry
