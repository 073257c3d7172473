"""Annotation files beside the audio: Raven selection tables and Audacity label tracks. Times are in seconds.

Which file belongs to which recording follows from its name: `a.Table.1.selections.txt`, `a.selections.txt`,
`a.BirdNET.selection.table.txt` and `a.txt` belong to `a.wav`, and so do `a.wav.txt` and the like.
"""

import codecs
import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shared.audio.formats import is_audio_name
from shared.errors import ChiffchaffError

MOST_BYTES = 16 << 20
SPECIES_COLUMNS = ("scientific name", "species", "common name", "label", "annotation", "class", "tags", "species code")

_NAME = re.compile(r"(?is)(?P<base>.+?)(\.birdnet)?(\.table\.\d+)?(\.selections?(\.table)?)?\.txt")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


class UnreadableAnnotations(ChiffchaffError):
    code = "unreadable-annotations"
    status = 422
    title = "The annotations cannot be read"


@dataclass(frozen=True, order=True)
class Mark:
    """A stretch that a person marked: `0 <= start < end`, seconds; `label` as it was written."""

    start: float
    end: float
    label: str


def annotation_files(names: Sequence[str]) -> dict[str, list[str]]:
    """Of the names in one directory: those that annotate a recording, by the name of the recording."""
    by_base: dict[str, list[str]] = {}
    for name in names:
        if match := _NAME.fullmatch(name):
            by_base.setdefault(match["base"], []).append(name)
    if not by_base:
        return {}
    found = {}
    for name in filter(is_audio_name, names):
        if files := [*by_base.get(PurePosixPath(name).stem, ()), *by_base.get(name, ())]:
            found[name] = files
    return found


def read_marks(files: Iterable[Path], audio: str) -> list[Mark]:
    """What the files say of the recording called `audio`, in order of time, without repetitions.

    Raises:
        UnreadableAnnotations: which file, which line and why.
    """
    marks: set[Mark] = set()
    for path in files:
        try:
            with path.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise UnreadableAnnotations(f"{path.name} cannot be read: {error.strerror}.") from error
        marks.update(parse_marks(content, path.name, audio))
    return sorted(marks)


def parse_marks(content: bytes, name: str, audio: str) -> list[Mark]:
    """The marks of one file, in order of time; `audio` is the name of the recording that they are of.

    Raises:
        UnreadableAnnotations: which line and why.
    """
    if len(content) > MOST_BYTES:
        raise UnreadableAnnotations(f"{name} is larger than {MOST_BYTES >> 20} MB.", hint="Is it another file?")
    lines = _text(content, name).splitlines()
    try:
        header = [column.strip().casefold() for column in lines[0].split("\t")] if lines else []
        if "begin time (s)" in header and "end time (s)" in header:
            return sorted(set(_raven(lines, header, audio)))
        return sorted(set(_audacity(lines)))
    except ValueError as error:
        raise UnreadableAnnotations(
            f"{name} is neither a Raven selection table nor an Audacity label track: {error}.",
            hint="Export it again, with tabs between the columns.",
        ) from error


def _text(content: bytes, name: str) -> str:
    """UTF-8 or UTF-16 by its mark; else what Windows wrote in the west."""
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise UnreadableAnnotations(f"{name} is no text file.", hint="Export the annotations as text.")
    return text


def _raven(lines: Sequence[str], header: Sequence[str], audio: str) -> Iterator[Mark]:
    """Rows of one selection, one per view, are alike in time and label, and so are one mark."""
    named = [column for column in SPECIES_COLUMNS if column in header]
    for number, cells in enumerate(csv.reader(lines[1:], delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        if not any(row.values()):
            continue
        start, end = _stretch(row.get("begin time (s)", ""), row.get("end time (s)", ""), number)
        # A table over several files counts time from the first one's beginning; each file's own is the offset.
        if file := row.get("begin file", ""):
            if file.replace("\\", "/").rsplit("/", 1)[-1].casefold() != audio.casefold():
                continue
            if offset := row.get("file offset (s)", ""):
                start, end = _stretch(offset, str(_seconds(offset, number) + end - start), number)
        yield Mark(start, end, next((row[column] for column in named if row.get(column)), ""))


def _audacity(lines: Sequence[str]) -> Iterator[Mark]:
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("\\"):  # the frequencies of the label above
            continue
        start, tab, rest = line.partition("\t")
        end, _, label = rest.partition("\t")
        if not tab:
            raise ValueError(f"line {number} has no tab")
        if start.strip() != end.strip():  # equal where somebody marked a moment, which no bird fills
            yield Mark(*_stretch(start, end, number), label.strip())


def _stretch(start: str, end: str, number: int) -> tuple[float, float]:
    begins, ends = _seconds(start, number), _seconds(end, number)
    if not 0 <= begins < ends:
        raise ValueError(f"line {number} marks no stretch of time ({start} to {end})")
    return begins, ends


def _seconds(text: str, number: int) -> float:
    """With a point or, as some computers write it, a comma."""
    plain = text.strip().replace(",", ".")
    value = float(plain) if _NUMBER.fullmatch(plain) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"line {number} holds {text.strip()[:40]!r} where a time in seconds belongs")
    return value
