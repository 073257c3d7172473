"""Stretches of a recording as files of their own: at the original rate, with all its channels."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeVar

from shared.audio.cut_file import MOST_FLAC_CHANNELS, CutFile
from shared.audio.original import cut_out
from shared.audio.report import AudioInfo
from shared.errors import InvalidInput

LONGEST_SECONDS = 600.0
"""Of one file; of a detection that goes on for longer, so much from its start is cut out."""

Kind = Literal["wav", "flac"]


class _Stretch(Protocol):
    @property
    def start(self) -> float: ...

    @property
    def end(self) -> float: ...


class Seconds(NamedTuple):
    """`[start, end)` of a recording."""

    start: float
    end: float


Cut = TypeVar("Cut", bound=_Stretch)


def stretch_of(recording_seconds: float, start: float, end: float) -> Seconds:
    """What of that stretch the recording has. Raises InvalidInput where that is nothing, or too long."""
    if not 0 <= start < end:
        raise InvalidInput("The stretch ends before it begins.", hint="Send start and end in seconds, start first.")
    if end - start > LONGEST_SECONDS:
        raise InvalidInput(f"{end - start:g} s are too long.", hint=f"Ask for {LONGEST_SECONDS:g} s at most.")
    if start >= recording_seconds:
        raise InvalidInput(f"The recording ends at {recording_seconds:g} s.", hint="Ask for an earlier stretch.")
    return Seconds(start, min(end, recording_seconds))


def require_room_for_channels(kind: Kind, channels: int) -> None:
    """Raises InvalidInput where such a file cannot hold so many."""
    if kind == "flac" and channels > MOST_FLAC_CHANNELS:
        raise InvalidInput(f"FLAC cannot hold {channels} channels.", hint="Extract WAV files.")


def credit(kind: Kind, recordist: str, licence: str) -> dict[str, str]:
    """The tags of such a file that say whose it is; WAV has no field of its own for a licence."""
    tags = {"artist": recordist, "copyright": licence}
    return {**tags, "license": licence} if kind == "flac" else tags


def write_stretch(source: Path, cut: Seconds, path: Path, kind: Kind, tags: dict[str, str], *, whole: bool) -> None:
    """Writes that stretch of the recording at `source` to `path`; see `cut_out` about `whole`.

    Samples are the original's, bit by bit, where it has 16 or 24; others are rounded to 16, or to 24 where they were
    more. Raises InvalidInput where there is no sound, and what `cut_out` raises.
    """

    def begin(_: Seconds, info: AudioInfo) -> CutFile:
        return CutFile(path, info, kind, tags)

    if not list(written(source, [cut], begin, whole=whole)):
        raise InvalidInput("There is no sound in that stretch.", hint="Has the file changed since it was heard?")


def written(
    source: Path, cuts: Sequence[Cut], begin: Callable[[Cut, AudioInfo], CutFile], *, whole: bool
) -> Iterator[Cut]:
    """Those stretches as files, each given once it is whole; `begin` opens one."""
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
