"""JSON lines (jsonlines.org), for `jq`, DuckDB, pandas and whatever reads while it is still being written.

The first line has `"kind": "about"`, each other `"kind": "recording"`, so files can be joined by `cat`.
"""

import json
import re
from collections.abc import Iterable
from typing import BinaryIO

from pydantic import BaseModel

from services.inference.results.model import About, Result
from services.inference.results.table import SCHEMA_VERSION


def write_json_lines(results: Iterable[Result], about: About, file: BinaryIO) -> None:
    """UTF-8, one object to a line."""
    file.write(_line(about, kind="about", schema_version=SCHEMA_VERSION))
    for result in results:
        file.write(_line(result, kind="recording"))


def _line(part: BaseModel, **labels: str | int) -> bytes:
    text = json.dumps(labels)[:-1] + ", " + part.model_dump_json()[1:]
    # JSON lets these stand as they are, but some readers end a line there.
    return re.sub("[\x7f-\x9f\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"
