"""Detections cut out of their recording, to listen to, to check, to share: at the original rate, with all channels."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from services.inference.results.model import About, RecordingResult
from services.inference.results.names import name_of_recording, safe_name
from services.inference.results.text import either
from services.inference.schemas import Detection
from shared.audio.cut_file import CutFile
from shared.audio.cutting import (
    LONGEST_SECONDS,
    Kind,
    Seconds,
    credit,
    require_room_for_channels,
    stretch_of,
    write_stretch,
    written,
)
from shared.audio.report import AudioInfo
from shared.errors import InvalidInput

MOST_PADDING = 30.0


class Snippet(NamedTuple):
    """A file that was written; `start` and `end` are its seconds in the recording."""

    path: Path
    detection: Detection
    start: float
    end: float


def extract(
    source: Path,
    result: RecordingResult,
    about: About,
    folder: Path,
    *,
    padding: float = 0.0,
    kind: Kind = "wav",
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
    require_room_for_channels(kind, result.channels)
    tags = {**credit(kind, recordist, licence), "software": f"Chiffchaff {about.software_version}"}

    def begin(cut: Snippet, info: AudioInfo) -> CutFile:
        return CutFile(cut.path, info, kind, tags | _tags(cut, result, about))

    return written(source, cuts, begin, whole=not result.warnings) if cuts else iter(())


def extract_stretch(
    source: Path,
    result: RecordingResult,
    about: About,
    path: Path,
    start: float,
    end: float,
    kind: Kind,
) -> None:
    """Writes the seconds `[start, end)` of the recording at `source` to `path`, as `extract` writes a detection.

    Raises InvalidInput where the recording has no such stretch, or it is too long; and what `cut_out` raises.
    """
    cut = stretch_of(result.seconds, start, end)
    require_room_for_channels(kind, result.channels)
    tags = {"software": f"Chiffchaff {about.software_version}", **_tags_of_stretch(cut, result, about)}
    write_stretch(source, cut, path, kind, tags, whole=not result.warnings)


def _cut(one: Detection, padding: float, result: RecordingResult, folder: Path, kind: Kind) -> Snippet:
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


def _tags_of_stretch(cut: Seconds, result: RecordingResult, about: About) -> dict[str, str]:
    heard = [one for one in result.detections if one.start < cut.end and one.end > cut.start]
    species = ", ".join(dict.fromkeys(one.species for one in heard))
    moment = either(result.moment(cut.start))
    comment = (
        f"{cut.start:.3f} to {cut.end:.3f} s of {result.file}{f', {moment}' if moment else ''}. Detected there by the "
        f"model {about.model.name} {about.model.version}, analysis {about.id}: {species or 'nothing'}."
    )
    return {"title": species or "nothing detected", "date": moment, "comment": comment}
