"""Detections cut out of their recording, to listen to, to check, to share: at the original rate, with all channels."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeVar

from services.inference.results.model import About, RecordingResult
from services.inference.results.names import name_of_recording, safe_name
from services.inference.results.text import either
from services.inference.schemas import Detection
from shared.audio.cut_file import MOST_FLAC_CHANNELS, CutFile
from shared.audio.original import cut_out
from shared.audio.report import AudioInfo
from shared.errors import InvalidInput

MOST_PADDING = 30.0
LONGEST_SECONDS = 600.0
"""Of a detection that goes on for longer, so much from its start is cut out."""


class Snippet(NamedTuple):
    """A file that was written; `start` and `end` are its seconds in the recording."""

    path: Path
    detection: Detection
    start: float
    end: float


class _Stretch(Protocol):
    @property
    def start(self) -> float: ...

    @property
    def end(self) -> float: ...


class _Seconds(NamedTuple):
    start: float
    end: float


Cut = TypeVar("Cut", bound=_Stretch)


def extract(
    source: Path,
    result: RecordingResult,
    about: About,
    folder: Path,
    *,
    padding: float = 0.0,
    kind: Literal["wav", "flac"] = "wav",
    recordist: str = "",
    licence: str = "",
) -> Iterator[Snippet]:
    """Writes each detection of `result` from the recording at `source` into `folder`, and gives it once it is whole.

    `padding` seconds are added on both sides, as far as the recording goes. Samples are the original's, bit by bit,
    where it has 16 or 24; others are rounded to 16, or to 24 where they were more. Files are named after the recording,
    the time within it, the species and the confidence, so they sort by time; a second extraction overwrites the first.
    Memory does not grow with the recording. See `cut_out` about files that are not to be trusted.

    The files say in their WAV INFO or FLAC tags: species (title), recordist (artist), licence (copyright, in FLAC also
    license), time (date), and in the comment where it comes from and who says so.

    Raises InvalidInput for what cannot be done. While iterating: OSError, LibsndfileError where the disk is full, and
    what `cut_out` raises.
    """
    if not 0 <= padding <= MOST_PADDING:
        raise InvalidInput(f"padding: {padding:g} s is not supported.", hint=f"Use 0 to {MOST_PADDING:g} s.")
    cuts = [_cut(one, padding, result, folder, kind) for one in sorted(result.detections, key=lambda one: one.start)]
    _require_room_for_channels(kind, result)
    tags = {"artist": recordist, "copyright": licence, "software": f"Chiffchaff {about.software_version}"}
    if kind == "flac":
        tags["license"] = licence

    def begin(cut: Snippet, info: AudioInfo) -> CutFile:
        return CutFile(cut.path, info, kind, tags | _tags(cut, result, about))

    return _written(source, cuts, begin, whole=not result.warnings) if cuts else iter(())


def extract_stretch(
    source: Path,
    result: RecordingResult,
    about: About,
    path: Path,
    start: float,
    end: float,
    kind: Literal["wav", "flac"],
) -> None:
    """Writes the seconds `[start, end)` of the recording at `source` to `path`, as `extract` writes a detection.

    Raises InvalidInput where the recording has no such stretch, or it is too long; and what `cut_out` raises.
    """
    if not 0 <= start < end:
        raise InvalidInput("The stretch ends before it begins.", hint="Send start and end in seconds, start first.")
    if end - start > LONGEST_SECONDS:
        raise InvalidInput(f"{end - start:g} s are too long.", hint=f"Ask for {LONGEST_SECONDS:g} s at most.")
    if start >= result.seconds:
        raise InvalidInput(f"The recording ends at {result.seconds:g} s.", hint="Ask for an earlier stretch.")
    _require_room_for_channels(kind, result)
    cut = _Seconds(start, min(end, result.seconds))
    tags = {"software": f"Chiffchaff {about.software_version}", **_tags_of_stretch(cut, result, about)}

    def begin(_: _Seconds, info: AudioInfo) -> CutFile:
        return CutFile(path, info, kind, tags)

    if not list(_written(source, [cut], begin, whole=not result.warnings)):
        raise InvalidInput("There is no sound in that stretch.", hint="Has the file changed since it was heard?")


def _require_room_for_channels(kind: str, result: RecordingResult) -> None:
    if kind == "flac" and result.channels > MOST_FLAC_CHANNELS:
        raise InvalidInput(f"FLAC cannot hold {result.channels} channels.", hint="Extract WAV files.")


def _written(
    source: Path, cuts: Sequence[Cut], begin: Callable[[Cut, AudioInfo], CutFile], *, whole: bool
) -> Iterator[Cut]:
    begun: dict[int, CutFile] = {}
    try:
        with cut_out(source, [(cut.start, cut.end) for cut in cuts], whole=whole) as (info, pieces):
            for number, samples, last in pieces:
                if number not in begun:
                    begun[number] = begin(cuts[number], info)
                begun[number].write(samples)
                if last and begun.pop(number).finish():
                    yield cuts[number]
    finally:
        for file in begun.values():
            file.discard()


def _cut(
    one: Detection, padding: float, result: RecordingResult, folder: Path, kind: Literal["wav", "flac"]
) -> Snippet:
    end = min(one.end, one.start + LONGEST_SECONDS)
    at = math.floor(one.start * 1_000 + 0.5)
    name = f"{at // 1_000:06d}.{at % 1_000:03d}s_{safe_name(one.species)}_{one.confidence:.2f}.{kind}"
    return Snippet(
        path=folder / f"{name_of_recording(result.file)}_{name}",
        detection=one,
        start=max(0.0, one.start - padding),
        end=min(result.seconds, end + padding),
    )


def _tags(cut: Snippet, result: RecordingResult, about: About) -> dict[str, str]:
    one = cut.detection
    species = f"{one.species} ({one.common_name})" if one.common_name else one.species
    moment = either(result.moment(cut.start))
    comment = (
        f"{species}, confidence {one.confidence:.4f}, at {one.start:.3f} to {one.end:.3f} s of {result.file}; "
        f"this file begins at {cut.start:.3f} s{f', {moment}' if moment else ''} and ends at {cut.end:.3f} s. "
        f"Said by the model {about.model.name} {about.model.version}, analysis {about.id}."
    )
    return {"title": species, "date": moment, "comment": comment}


def _tags_of_stretch(cut: _Seconds, result: RecordingResult, about: About) -> dict[str, str]:
    heard = [one for one in result.detections if one.start < cut.end and one.end > cut.start]
    species = ", ".join(dict.fromkeys(one.species for one in heard))
    moment = either(result.moment(cut.start))
    comment = (
        f"{cut.start:.3f} to {cut.end:.3f} s of {result.file}{f', {moment}' if moment else ''}. Detected there by the "
        f"model {about.model.name} {about.model.version}, analysis {about.id}: {species or 'nothing'}."
    )
    return {"title": species or "nothing detected", "date": moment, "comment": comment}
