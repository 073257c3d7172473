"""Names of files that every system takes, Windows with its reserved names and letters too, and every shell."""

import hashlib
import re
import unicodedata
from pathlib import PurePath

from services.inference.results.text import split_path

_REFUSED = re.compile(r'[<>:"/\\|?*\s\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\..*)?", re.IGNORECASE)
_LONGEST = 60
_DIGEST = 6


def safe_name(text: str, longest: int = _LONGEST) -> str:
    """The text as a part of a file's name: at most `longest` bytes of UTF-8, never empty, never a device's.

    Letters of all languages stay; what no system or not every one takes becomes `-`.
    """
    plain = _REFUSED.sub("-", unicodedata.normalize("NFC", text))
    plain = plain.encode("utf-8", "replace")[:longest].decode("utf-8", "ignore").strip("-. ")
    if _RESERVED.fullmatch(plain):
        plain = f"_{plain}"
    return plain or "_"


def safe_path(file: str) -> str:
    """A recording's path without its suffix, each part safe, separated by `/`; never absolute, never above itself."""
    folder, name = split_path(file)
    parts = [safe_name(part) for part in re.split(r"[/\\]", folder) if part not in ("", ".", "..")]
    return "/".join([*parts, safe_name(PurePath(name).stem)])


def name_of_recording(file: str) -> str:
    """For what is made of a recording: its own name, safe, and letters that tell it from those in other folders."""
    digest = hashlib.sha256(file.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{safe_name(PurePath(split_path(file)[1]).stem)}_{digest}"
