"""Kaleidoscope Pro (Wildlife Acoustics): its Results window opens this as it opens its own `id.csv`.

It finds the sound by `INDIR`, `FOLDER` and `IN FILE` and shows `OFFSET` to `OFFSET` + `DURATION`, in seconds
(Kaleidoscope Pro 5 user guide, results window and .csv files). What the model says is the `AUTO ID*`; `MANUAL ID` stays
empty, for it is the person's who listens.
"""

import csv
from collections.abc import Iterable
from typing import BinaryIO

from services.inference.results.model import About, RecordingResult, Result
from services.inference.results.text import Utf8, harmless, harmless_path, split_path
from services.inference.schemas import Detection

COLUMNS = (
    "INDIR",
    "FOLDER",
    "IN FILE",
    "CHANNEL",
    "OFFSET",
    "DURATION",
    "DATE",
    "TIME",
    "HOUR",
    "AUTO ID*",
    "COMMON NAME",
    "CONFIDENCE",
    "MANUAL ID",
)


def write_kaleidoscope(results: Iterable[Result], about: About, file: BinaryIO) -> None:
    """UTF-8, a row for each detection; `DATE`, `TIME` and `HOUR` are the recorder's clock at its start, if known."""
    writer = csv.writer(Utf8(file))
    writer.writerow(COLUMNS)
    for result in results:
        if isinstance(result, RecordingResult):
            folder, name = split_path(result.file)
            place = [harmless_path(part) for part in (*split_path(folder), name)]
            writer.writerows([*place, *_heard(one, result)] for one in result.detections)


def _heard(one: Detection, result: RecordingResult) -> list[str]:
    moment = result.moment(one.start)
    return [
        "0",
        f"{one.start:.3f}",
        f"{one.end - one.start:.3f}",
        f"{moment:%Y-%m-%d}" if moment else "",
        f"{moment:%H:%M:%S}" if moment else "",
        str(moment.hour) if moment else "",
        harmless(one.species),
        harmless(one.common_name),
        f"{one.confidence:.4f}",
        "",
    ]
