"""MP4 boxes (ISO 14496-12): just enough to see that a recording is encrypted."""

import os
import re
from pathlib import Path

# Where the index is: at the end, or in front of the sound when the file is made to be streamed.
_INDEX = 4 << 20
# The first sample entry of a track: `enca` by ISO 23001-7, `drms` as Apple's FairPlay has it.
_ENCRYPTED = re.compile(rb"stsd.{12}(?:enca|drms)", re.DOTALL)


def is_encrypted(path: Path) -> bool:
    """True when a track of the file can only be played with a key."""
    with path.open("rb") as file:
        if _ENCRYPTED.search(file.read(_INDEX)):
            return True
        file.seek(-min(path.stat().st_size, _INDEX), os.SEEK_END)
        return _ENCRYPTED.search(file.read()) is not None
