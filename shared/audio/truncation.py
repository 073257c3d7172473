"""Does a file end before its own header says? Decoders often pass over that in silence."""

import os
from pathlib import Path

from shared.audio.formats import Container

_OPEN_ENDED = 0x7FFF_F000
_OGG_TAIL = 65_536
_LAST_PAGE = 0x04


def ends_early(path: Path, container: Container) -> bool:
    """True when bytes are missing at the end of a WAV, AIFF or OGG file; False where nothing tells."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if container.name == "ogg":
            file.seek(-min(size, _OGG_TAIL), os.SEEK_END)
            tail = file.read()
            page = tail.rfind(b"OggS")
            return 0 <= page < len(tail) - 6 and not tail[page + 5] & _LAST_PAGE
        head = file.read(8)
    if head[:4] in (b"RIFF", b"FORM", b"RIFX"):
        declared = int.from_bytes(head[4:8], "little" if head[:4] == b"RIFF" else "big")
        return 0 < declared < _OPEN_ENDED and declared + 8 > size + 1
    return False
