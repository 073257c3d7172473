"""Do a file's bytes end where its header says? Decoders often pass over that in silence."""

import os
from pathlib import Path
from typing import Literal

from shared.audio import mpeg
from shared.audio.formats import Container

_HEAD = 4_096
_TAIL = 65_536
_OGG_LAST_PAGE = 0x04
# Recorders that cannot go back to the header write sizes from here on.
_OPEN_ENDED_32 = 0x7FFF_F000
_OPEN_ENDED_64 = 1 << 62
_LEAST_TO_GO_ON = 1_024


def ends_early(path: Path, container: Container) -> bool:
    """True when bytes are missing at the end of a WAV, RF64, W64, AIFF, AU, CAF or OGG file.

    False where nothing tells.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if container.name == "ogg":
            file.seek(-min(size, _TAIL), os.SEEK_END)
            tail = file.read()
            page = tail.rfind(b"OggS")
            return 0 <= page < len(tail) - 6 and not tail[page + 5] & _OGG_LAST_PAGE
        declared = _declared_size(file.read(_HEAD))
    # The byte that pads an odd chunk is often left out.
    return declared is not None and declared > size + 1


def goes_on(container: Container, behind: bytes) -> bool:
    """Is there more sound in the bytes behind what a decoder took for the end?

    Joined files, and headers that name too small a length, look like that.
    """
    if container.name == "mp3":
        return mpeg.find_stream(behind, whole=False) is not None
    if container.name == "ogg":
        return b"OggS" in behind
    if container.name == "flac":
        # The first bytes of a frame, with blocks of one size or of several (RFC 9639, section 9.1).
        return b"\xff\xf8" in behind or b"\xff\xf9" in behind
    if container.name == "wav" and len(behind) >= _LEAST_TO_GO_ON:
        # A chunk has a name of four letters; one byte may pad what comes before it.
        named = any(all(0x20 <= letter < 0x7F for letter in behind[at : at + 4]) for at in (0, 1))
        return not named and any(behind)
    return False


def _declared_size(head: bytes) -> int | None:
    """The length of the whole file by its header, None where that is left open."""
    magic = head[:4]
    if magic in (b"RIFF", b"RIFX", b"FORM"):
        return _whole(head[4:8], "little" if magic == b"RIFF" else "big", before=8)
    if magic in (b"RF64", b"BW64") and head[12:16] == b"ds64":
        return _whole(head[20:28], "little", before=8)
    if magic == b"riff":
        return _whole(head[16:24], "little", before=0)
    if magic == b".snd":
        return _whole(head[8:12], "big", before=int.from_bytes(head[4:8], "big"))
    if magic == b"caff":
        return _caf_size(head)
    return None


def _whole(field: bytes, order: Literal["little", "big"], before: int) -> int | None:
    size = int.from_bytes(field, order)
    most = _OPEN_ENDED_32 if len(field) == 4 else _OPEN_ENDED_64
    return before + size if 0 < size < most else None


def _caf_size(head: bytes) -> int | None:
    """Where the chunk of the samples ends (Apple Core Audio Format: chunks of a name and 64 bits of length)."""
    at = 8
    while at + 12 <= len(head):
        if head[at : at + 4] == b"data":
            return _whole(head[at + 4 : at + 12], "big", before=at + 12)
        at += 12 + int.from_bytes(head[at + 4 : at + 12], "big")
    return None
