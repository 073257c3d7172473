"""A CSV manifest as a source: one row per file, with its label and origin.

Needed: `path` (relative to the manifest) and `label`. Known: common_name or english, name_de and the like (names in
other languages), secondary (separated by `;`), recordist, licence, xc_id, source_url or url, country, locality,
latitude, longitude, date, time (HH:MM), quality (A-E), annotations (a file, relative to the manifest), in any case of
letters. All else is kept as it is. Columns are separated by commas, semicolons or tabs.
"""

import csv
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import TextIO

from services.ingest.items import Item
from shared.errors import InvalidInput
from shared.walk import LeftOut, Version

QUALITIES = frozenset("ABCDE")
NEEDED = {"path", "label"}
KNOWN = NEEDED | {
    "common_name", "english", "secondary", "recordist", "licence", "xc_id", "source_url", "url", "country", "locality",
    "latitude", "longitude", "date", "time", "quality", "annotations",
}  # fmt: skip
NAME_COLUMN = re.compile(r"name_([a-z]{2,3})")
GERMAN_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
SEPARATORS = ",;\t"
ZIP = b"PK\x03\x04"
"""How the files of spreadsheet programs begin."""
NOT_UTF8 = "Save it again as “CSV UTF-8”: Excel's plain “CSV” has an encoding that only that computer knows."
NOT_CSV = "In Excel or LibreOffice, save it as “CSV UTF-8”."

Row = Mapping[str, str]


class Refused(Exception):
    """Why a row cannot be used."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass
class ManifestFiles:
    """The rows of a manifest whose columns hold one of the values that `select` names for them.

    Args:
        within: files outside of it are refused, be it through a link; None where the whole disk may be read.

    Raises:
        InvalidInput: when the file is not there, is not UTF-8 CSV, or lacks a column; also while it is read.
    """

    manifest: Path
    within: Path | None = None
    select: Mapping[str, Sequence[str]] = field(default_factory=dict)
    classes: Mapping[str, str | None] = field(default_factory=dict)
    """Always empty: a manifest names what it has."""

    def __post_init__(self) -> None:
        if not self.manifest.is_file():
            raise InvalidInput(
                f"There is no manifest {self.manifest}.", hint="Name a CSV file that the server can read."
            )

    def count(self) -> Iterator[int]:
        """How many rows there are, counted up while one waits."""
        for count, _ in enumerate(self._rows(), start=1):
            yield count

    def __iter__(self) -> Iterator[Item | LeftOut]:
        seen: set[int] = set()
        for number, row in self._rows():
            name = row["path"] or f"line {number}"
            if (key := hash(row["path"])) in seen:
                reason = f"Line {number} names a file that a line before it names as well."
                yield LeftOut(f"{name} (line {number})", "skipped", "duplicate-row", reason, row["label"] or None)
                continue
            seen.add(key)
            try:
                yield self._item(row)
            except Refused as error:
                yield LeftOut(name, "refused", error.code, f"Line {number}: {error.reason}", row["label"] or None)

    def _rows(self) -> Iterator[tuple[int, Row]]:
        """Each selected row with the number of the line that it ends on."""
        with _reading(self.manifest) as lines:
            first = lines.readline()
            lines.seek(0)
            separator = max(SEPARATORS, key=first.count)
            reader = csv.reader(lines, delimiter=separator, strict=True)
            whole = 0
            try:
                columns = [_column(name) for name in next(reader, [])]
                select = {_column(name): accepted for name, accepted in self.select.items()}
                self._check(columns, select)
                for cells in reader:
                    whole = reader.line_num
                    values = dict.fromkeys(columns, "") | dict(zip(columns, map(str.strip, cells), strict=False))
                    if any(cells) and all(values[column] in accepted for column, accepted in select.items()):
                        yield whole, values
            except csv.Error as error:
                raise InvalidInput(
                    f"The manifest cannot be read as CSV from line {whole + 1} on: {error}.",
                    hint="Is a quotation mark opened there that is never closed?",
                ) from error

    def _check(self, columns: Sequence[str], select: Mapping[str, Sequence[str]]) -> None:
        if twice := sorted({name for name in columns if name and columns.count(name) > 1}):
            raise InvalidInput(
                f"The manifest has more than one column {', '.join(twice)}.", hint="Which one counts? Leave one."
            )
        if missing := (NEEDED | set(select)) - set(columns):
            raise InvalidInput(
                f"The manifest lacks the column{'s' if len(missing) > 1 else ''} {', '.join(sorted(missing))}.",
                hint="The first line names the columns: path, label and, if known, recordist, licence, xc_id.",
            )

    def _item(self, row: Row) -> Item:
        path, version = self._file(row["path"])
        latitude, longitude = _number(row.get("latitude", ""), 90), _number(row.get("longitude", ""), 180)
        recorded_on, recorded_time = _date(row.get("date", "")), _time(row.get("time", ""))
        quality = row.get("quality", "").upper() if row.get("quality", "").upper() in QUALITIES else None
        understood = {
            "latitude": latitude is not None,
            "longitude": longitude is not None,
            "date": recorded_on is not None,
            "time": bool(recorded_time),
            "quality": quality is not None,
        }
        names = {match[1]: value for key, value in row.items() if value and (match := NAME_COLUMN.fullmatch(key))}
        return Item(
            path=path,
            name=row["path"],
            version=version,
            label=row["label"] or None,
            common_name=row.get("common_name") or row.get("english", ""),
            names=names,
            secondary=tuple(name.strip() for name in row.get("secondary", "").split(";") if name.strip()),
            recordist=row.get("recordist", ""),
            licence=row.get("licence", ""),
            xc_id=row.get("xc_id") or None,
            source_url=row.get("source_url") or row.get("url", ""),
            country=row.get("country", ""),
            locality=row.get("locality", ""),
            latitude=latitude,
            longitude=longitude,
            recorded_on=recorded_on,
            recorded_time=recorded_time,
            quality=quality,
            # What cannot be read as a figure is not thrown away: a person may understand it.
            details={key: value for key, value in row.items() if value and not understood.get(key, _is_known(key))},
            annotation_files=self._annotations(row.get("annotations", "")),
        )

    def _annotations(self, name: str) -> tuple[Path, ...]:
        """One that is missing is a warning later, not the end of the recording."""
        if not name:
            return ()
        try:
            return (self._file(name)[0],)
        except Refused as error:
            if error.code == "outside-of-library":
                raise
            return (self.manifest.parent / name,)

    def _file(self, name: str) -> tuple[Path, Version]:
        """The file that a row names. Raises Refused."""
        if not name:
            raise Refused("bad-row", "The path is empty.")
        if "\0" in name:
            raise Refused("bad-row", "The path holds a zero byte.")
        # Windows writes backslashes; a name that has both is some other kind of name.
        name = name if "/" in name else name.replace("\\", "/")
        try:
            path = Path(os.path.realpath(self.manifest.parent / name, strict=True))
            if self.within is not None and not path.is_relative_to(self.within):
                raise Refused("outside-of-library", f"{name} lies outside of the library directory.")
            status = path.stat()
        except OSError as error:
            raise Refused("unreadable-file", f"{name} cannot be read: {error.strerror}.") from error
        if not stat.S_ISREG(status.st_mode):
            raise Refused("unreadable-file", f"{name} is no file.")
        return path, Version.of(status)


@contextmanager
def _reading(manifest: Path) -> Iterator[TextIO]:
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as lines:
            yield lines
    except UnicodeDecodeError as error:
        with manifest.open("rb") as file:
            if file.read(len(ZIP)) == ZIP:
                raise InvalidInput("The manifest is a spreadsheet or a ZIP archive, not CSV.", hint=NOT_CSV) from error
        raise InvalidInput("The manifest is not UTF-8 text.", hint=NOT_UTF8) from error
    except OSError as error:
        raise InvalidInput(f"The manifest cannot be read: {error.strerror}.") from error


def _column(name: str) -> str:
    """As a manifest's first line has it; a known one in small letters, since people write `Path` and `Label`."""
    name = name.strip()
    return name.lower() if _is_known(name.lower()) else name


def _is_known(column: str) -> bool:
    return column in KNOWN or NAME_COLUMN.fullmatch(column) is not None


def _number(text: str, most: float) -> float | None:
    """Null for what is no number from -most to most."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if -most <= value <= most else None


def _time(text: str) -> str:
    """`HH:MM`; empty for times such as `?` or `early morning`, which archives hold."""
    try:
        return time.fromisoformat(text.zfill(5)).strftime("%H:%M")
    except ValueError:
        return ""


def _date(text: str) -> date | None:
    """`2024-05-01`, or `1.5.2024` as a German Excel writes it.

    Null for partial dates such as `2008-00-00`, which archives hold, and for `5/1/2024`: in May, or in January?
    """
    if german := GERMAN_DATE.fullmatch(text):
        day, month, year = (int(part) for part in german.groups())
        text = f"{year:04}-{month:02}-{day:02}"
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
