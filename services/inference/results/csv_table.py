"""CSV (RFC 4180), for R, Python and spreadsheets: the columns of `table`, their version in each row."""

import csv
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO

from services.inference.results.model import About, Result
from services.inference.results.table import COLUMNS, Kind, Value, rows
from services.inference.results.text import Utf8, harmless, harmless_path, local, utc


def write_csv(results: Iterable[Result], about: About, file: BinaryIO) -> None:
    """UTF-8 with a header line; empty where nothing is known; no cell is a formula to a spreadsheet."""
    writer = csv.writer(Utf8(file))
    writer.writerow(COLUMNS)
    kinds = COLUMNS.values()
    for row in rows(results, about):
        writer.writerow(map(_cell, row.values(), kinds))


# Most cells of a row are those of the row above.
@lru_cache(1_024)
def _cell(value: Value, kind: Kind) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return local(value) if kind == "local time" else utc(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return harmless_path(value) if kind == "path" else harmless(value)
    return str(value)
