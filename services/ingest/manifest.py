"""A CSV manifest as a source: one row per file, with its label and origin.

Needed: `path` (relative to the manifest) and `label`. Known: common_name or english, secondary (separated by `;`),
recordist, licence, xc_id, source_url or url, country, locality, latitude, longitude, date, time (HH:MM), quality (A-E).
All else is kept as it is.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from pathlib import Path

from services.ingest.items import Item
from shared.errors import InvalidInput

QUALITIES = frozenset("ABCDE")
NEEDED = {"path", "label"}
KNOWN = NEEDED | {
    "common_name", "english", "secondary", "recordist", "licence", "xc_id", "source_url", "url", "country", "locality",
    "latitude", "longitude", "date", "time", "quality",
}  # fmt: skip


def manifest_items(manifest: Path, select: Mapping[str, Sequence[str]]) -> Iterator[Item]:
    """The rows of a manifest whose columns hold one of the values that `select` names for them.

    Raises:
        InvalidInput: when the file is not there, is not UTF-8 CSV, or lacks a column.
    """
    if not manifest.is_file():
        raise InvalidInput(f"There is no manifest {manifest}.", hint="Name a CSV file that the server can read.")
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            columns = set(reader.fieldnames or ())
            if missing := (NEEDED | set(select)) - columns:
                raise InvalidInput(
                    f"The manifest lacks the column{'s' if len(missing) > 1 else ''} {', '.join(sorted(missing))}.",
                    hint="The first line names the columns: path, label and, if known, recordist, licence, xc_id.",
                )
            for row in reader:
                values = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
                if all(values[column] in accepted for column, accepted in select.items()):
                    yield _item(manifest.parent, values)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"The manifest cannot be read as UTF-8 CSV: {error}.") from error


def _item(root: Path, row: Mapping[str, str]) -> Item:
    return Item(
        path=root / row["path"],
        name=row["path"],
        label=row["label"] or None,
        common_name=row.get("common_name") or row.get("english", ""),
        secondary=tuple(name.strip() for name in row.get("secondary", "").split(";") if name.strip()),
        recordist=row.get("recordist", ""),
        licence=row.get("licence", ""),
        xc_id=row.get("xc_id") or None,
        source_url=row.get("source_url") or row.get("url", ""),
        country=row.get("country", ""),
        locality=row.get("locality", ""),
        latitude=_number(row.get("latitude", "")),
        longitude=_number(row.get("longitude", "")),
        recorded_on=_date(row.get("date", "")),
        recorded_time=_time(row.get("time", "")),
        quality=row.get("quality", "").upper() if row.get("quality", "").upper() in QUALITIES else None,
        details={key: value for key, value in row.items() if key not in KNOWN and value},
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _time(text: str) -> str:
    """`HH:MM`; empty for times such as `?` or `early morning`, which archives hold."""
    try:
        return time.fromisoformat(text.zfill(5)).strftime("%H:%M")
    except ValueError:
        return ""


def _date(text: str) -> date | None:
    """Null for partial dates such as `2008-00-00`, which archives hold."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
