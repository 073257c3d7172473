"""Audacity label tracks: File > Import > Labels, with the recording open. A label has times and no frequencies.

The standard format of manual.audacityteam.org/man/importing_and_exporting_labels.html.
"""

from collections.abc import Iterable
from typing import BinaryIO

from services.inference.results.model import About, RecordingResult, Result
from services.inference.results.text import one_line


def write_audacity(results: Iterable[Result], about: About, file: BinaryIO) -> None:
    """The labels of one recording: start, end, tab-separated seconds, and such as `Turdus merula (Blackbird) 0.93`.

    UTF-8. Nothing detected, or a recording that failed, is a file without a line. Raises ValueError when there is a
    second recording, whose labels would lie on the first one's sound.
    """
    for number, result in enumerate(results):
        if number:
            raise ValueError("an Audacity label track belongs to one recording")
        if isinstance(result, RecordingResult):
            for one in result.detections:
                common = f" ({one.common_name})" if one.common_name else ""
                label = one_line(f"{one.species}{common} {one.confidence:.2f}")
                file.write(f"{one.start:.6f}\t{one.end:.6f}\t{label}\n".encode())
