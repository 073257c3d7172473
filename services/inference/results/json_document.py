"""JSON: one object for all recordings, for programs; `about` first, then `results` in the order given, a line each."""

import json
from collections.abc import Iterable
from typing import BinaryIO

from services.inference.results.model import About, Result
from services.inference.results.table import SCHEMA_VERSION


def write_json(results: Iterable[Result], about: About, file: BinaryIO) -> None:
    """UTF-8, RFC 8259. Each result is written as it comes; until the last the file is no whole JSON."""
    head = {"schema_version": SCHEMA_VERSION, "about": about.model_dump(mode="json")}
    file.write(json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "results": [')
    separator = b"\n"
    for result in results:
        file.write(separator + result.model_dump_json().encode())
        separator = b",\n"
    file.write(b"\n]}\n")
