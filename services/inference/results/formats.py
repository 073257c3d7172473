"""Every format that results are written in, by name."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO, Literal

from services.inference.results.audacity import write_audacity
from services.inference.results.birdnet_csv import write_birdnet_csv
from services.inference.results.checklist import write_checklist
from services.inference.results.csv_table import write_csv
from services.inference.results.json_document import write_json
from services.inference.results.json_lines import write_json_lines
from services.inference.results.kaleidoscope import write_kaleidoscope
from services.inference.results.model import About, Result
from services.inference.results.parquet import write_parquet
from services.inference.results.raven import write_raven

Writer = Callable[[Iterable[Result], About, BinaryIO], None]
"""Writes results as they come into a file that need not seek."""


@dataclass(frozen=True)
class Format:
    """`suffix` follows the recording's name, or that of the analysis where one file holds all recordings."""

    media_type: str
    suffix: str
    holds: Literal["one recording", "all recordings"]
    write: Writer


_CSV = "text/csv; charset=utf-8"
_TABS = "text/tab-separated-values; charset=utf-8"

FORMATS: dict[str, Format] = {
    "json": Format("application/json", ".json", "all recordings", write_json),
    "jsonl": Format("application/jsonl", ".jsonl", "all recordings", write_json_lines),
    "csv": Format(_CSV, ".csv", "all recordings", write_csv),
    "parquet": Format("application/vnd.apache.parquet", ".parquet", "all recordings", write_parquet),
    "raven": Format(_TABS, ".selections.txt", "one recording", write_raven),
    "raven-combined": Format(_TABS, ".selections.txt", "all recordings", write_raven),
    "audacity": Format("text/plain; charset=utf-8", ".labels.txt", "one recording", write_audacity),
    "kaleidoscope": Format(_CSV, ".id.csv", "all recordings", write_kaleidoscope),
    "checklist": Format(_CSV, ".checklist.csv", "all recordings", write_checklist),
    "birdnet-csv": Format(_CSV, ".BirdNET.results.csv", "all recordings", write_birdnet_csv),
}
