"""The columns of BirdNET-Analyzer's own CSV, for the scripts and programs that read it, BirdNET's combined table too.

They are those of `generate_csv` in its `birdnet_analyzer/analyze/utils.py`; seconds from the beginning of `File`.
"""

import csv
from collections.abc import Iterable
from typing import BinaryIO

from services.inference.results.model import About, RecordingResult, Result
from services.inference.results.text import Utf8, harmless, harmless_path

COLUMNS = ("Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File")


def write_birdnet_csv(results: Iterable[Result], about: About, file: BinaryIO) -> None:
    """UTF-8, a row for each detection. Recordings without one, or that failed, do not show in it."""
    writer = csv.writer(Utf8(file))
    writer.writerow(COLUMNS)
    for result in results:
        if isinstance(result, RecordingResult):
            path = harmless_path(result.file)
            writer.writerows(
                [one.start, one.end, harmless(one.species), harmless(one.common_name), f"{one.confidence:.4f}", path]
                for one in result.detections
            )
