"""Media types that the library is written in, and tables as lines of CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

CSV, JSON, MARKDOWN, PLAIN = "text/csv", "application/json", "text/markdown", "text/plain"
AS_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {CSV: {"schema": {"type": "string"}}}}}
"""What a route that also answers in CSV adds to its description."""


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """As RFC 4180 has them."""
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue()
