"""Names and times as the text formats need them: nothing that a program takes for a command or for its own syntax."""

import re
from datetime import UTC, datetime
from typing import BinaryIO

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# Whatever some reader takes for the end of a line or of a column.
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


class Utf8:
    """A binary file that takes text, for `csv.writer`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode())


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: behind an apostrophe where it would (OWASP, CSV Injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def harmless_path(path: str) -> str:
    """The same for a path, which stays one: `./=a.wav` is the file `=a.wav`."""
    return f"./{path}" if path.startswith(_FORMULA) else path


def one_line(text: str) -> str:
    """Text for a cell of a table with tabs and without quoting. A quote at its beginning would open a quoted cell."""
    plain = _BREAKS.sub(" ", text).strip()
    return f"'{plain[1:]}" if plain.startswith('"') else plain


def one_line_path(path: str) -> str:
    """The same for a path, which stays one but for line breaks and tabs, that no such table can hold."""
    plain = _BREAKS.sub(" ", path)
    return f"./{plain}" if plain.startswith('"') else plain


def split_path(path: str) -> tuple[str, str]:
    """Folder and name. Backslashes separate where there is no slash: as Windows writes paths."""
    separator = "/" if "/" in path else "\\"
    folder, found, name = path.rpartition(separator)
    return (folder or found, name)


def local(moment: datetime | None) -> str:
    """What the recorder's clock showed: ISO 8601 without an offset, empty where unknown."""
    return "" if moment is None else moment.replace(tzinfo=None).isoformat(timespec="milliseconds")


def utc(moment: datetime | None) -> str:
    """ISO 8601 in UTC, with a Z; empty where the offset is unknown."""
    if moment is None or moment.tzinfo is None:
        return ""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def either(moment: datetime | None) -> str:
    """ISO 8601, with the offset from UTC where it is known."""
    return "" if moment is None else moment.isoformat(timespec="milliseconds")
