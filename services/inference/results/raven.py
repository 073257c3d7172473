"""Raven selection tables, for Raven Pro and Lite (Cornell Lab), and for Rraven, warbleR, OpenSoundscape and crowsetta.

Raven shows many recordings as one long sound, one after the other: `Begin Time (s)` and `End Time (s)` count from the
first one's beginning, `File Offset (s)` from that of the recording in `Begin Path` (Raven Pro user's manual, chapter 6,
selection tables). In a table of one recording they are the same.
"""

import csv
from collections.abc import Iterable
from typing import BinaryIO

from services.inference.results.model import About, RecordingResult, Result
from services.inference.results.text import Utf8, either, one_line, one_line_path, split_path
from shared.audio.constants import SAMPLE_RATE

COLUMNS = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Begin File",
    "Begin Path",
    "File Offset (s)",
    "Species",
    "Common Name",
    "Confidence",
    "Windows",
    "Recorded At",
)


def write_raven(results: Iterable[Result], about: About, file: BinaryIO) -> None:
    """UTF-8, tabs between the columns, no quoting. A box is as high as what the model hears, 0 to 11,025 Hz.

    Recordings that failed are none of the sound and have no rows.
    """
    writer = csv.writer(Utf8(file), delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n")
    writer.writerow(COLUMNS)
    number, before = 0, 0.0
    for result in results:
        if not isinstance(result, RecordingResult):
            continue
        highest = min(result.sample_rate, SAMPLE_RATE) / 2
        for one in result.detections:
            number += 1
            writer.writerow([
                number,
                "Spectrogram 1",
                1,
                f"{before + one.start:.3f}",
                f"{before + one.end:.3f}",
                "0.0",
                f"{highest:.1f}",
                one_line(split_path(result.file)[1]),
                one_line_path(result.file),
                f"{one.start:.3f}",
                one_line(one.species),
                one_line(one.common_name),
                f"{one.confidence:.4f}",
                one.windows,
                either(result.moment(one.start)),
            ])  # fmt: skip
        before += result.seconds
