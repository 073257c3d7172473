"""When and where a recording was made, as its recorder wrote it into the file or its name.

Read are, and the first that says a time wins:

- GUANO metadata (guano-md.org, version 1.0) of Wildlife Acoustics, Titley, AudioMoth and others: `Timestamp` and
  `Loc Position`;
- Wildlife Acoustics' own `wamd` chunk of the SM3 and SM4, as guano-py's `wamd2guano.py` reads it;
- the comment of AudioMoth: "Recorded at 05:30:00 01/05/2024 (UTC+2) by AudioMoth ..." (AudioMoth-Firmware-Basic,
  `setHeaderComment`, 1.0 and later; the first wrote no zone, and its clock ran in UTC), also where it became FLAC;
- the `bext` chunk (EBU Tech 3285), which has no zone;
- the file's name: see `time_in_name`.

A clock that was never set says 1970 or 2000: times before 1990 count as none.
"""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path, PurePath
from typing import Final, Literal

from shared.audio.small_chunks import Chunk, comment_texts, info_texts, small_chunks, text_of

Source = Literal["guano", "wamd", "audiomoth comment", "bext", "file name"]
Position = tuple[float, float]

LEAST_YEAR: Final = 1990
MOST_YEAR: Final = 2100

_ORDER: tuple[Source, ...] = ("guano", "wamd", "audiomoth comment", "bext", "file name")
_FIRST_AUDIOMOTH = datetime(2016, 1, 1, tzinfo=UTC)
_WAMD_TIME, _WAMD_PLACE = 5, 6

_COMMENT = re.compile(
    r"Recorded at (\d\d):(\d\d):(\d\d)(\.\d{1,6})? (\d\d)/(\d\d)/(\d{4})"
    r"(?: \(UTC(?:([+-])(\d{1,2})(?::(\d\d))?)?\)| by AudioMoth)"
)
_BEXT = re.compile(r"(\d{4})\D(\d\d)\D(\d\d)(\d\d)\D(\d\d)\D(\d\d)", re.ASCII)
_HEX_NAME = re.compile(r"[0-9A-F]{8}T?", re.IGNORECASE)
_NAME = re.compile(
    r"(?<!\d)(\d{4})(?P<dash>[-_.]?)(\d\d)(?P=dash)(\d\d)"
    r"(?:[-_. ]birdnet[-_. ](?:RTSP_\d+[-_. ])?|[ _]?T|[-_$ .]|(?<=\d{8}))"
    r"(\d\d)(?P<colon>[-_:.h]?)(\d\d)(?:(?P=colon)(\d\d)(\.\d{1,6})?)?(?!\d)"
    r"(?:[ _]?(?:(Z)(?![a-z])|([+-])(\d\d):?(\d\d)(?!\d)|(\+)(\d\d)(?!\d)))?",
    re.IGNORECASE | re.ASCII,
)
_SHORT_NAME = re.compile(r"(?<=\d\.)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?!\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Recorded:
    """`at` is the time of the first sample, with an offset from UTC where that is known, and else as the clock showed.

    `position` is latitude and longitude in degrees (WGS 84).
    """

    at: datetime | None = None
    source: Source | None = None
    position: Position | None = None

    @property
    def offset_known(self) -> bool:
        return self.at is not None and self.at.tzinfo is not None


@dataclass(frozen=True, slots=True)
class _Said:
    source: Source
    at: datetime | None = None
    position: Position | None = None


def recorded(path: Path, name: str | None = None) -> Recorded:
    """When and where a recording was made; `name` is what it was called where `path` is another name for it.

    Reads headers and small chunks, no sound. What is no WAV or FLAC, or broken, has at most a name. Raises OSError
    when the file cannot be opened.
    """
    with path.open("rb") as file:
        said = [one for chunk in small_chunks(file) for one in _said_in(chunk)]
    said.append(_Said("file name", time_in_name(path.name if name is None else name)))
    said.sort(key=lambda one: _ORDER.index(one.source))
    timed = next((one for one in said if one.at is not None), None)
    position = next((one.position for one in said if one.position is not None), None)
    return Recorded(timed.at if timed else None, timed.source if timed else None, position)


def time_in_name(name: str) -> datetime | None:
    """The date and time in the name of a file, None without one; folders before it are passed over.

    `20240501_053000.WAV` (AudioMoth), `5CC93A40.WAV` (old AudioMoth: seconds since 1970, hexadecimal, UTC),
    `SM4A_20240501_053000.wav` and `SM4A_0+1_20240501$053000.wav` (Song Meter), `20240501T053000+0200_REC.flac`
    (Frontier Labs), `20240501T053000Z.wav`, `2024-05-01T05-30-00.wav`, `BCI-2014-03-25_18-10.flac` (Arbimon),
    `Robin-93-2024-05-01-birdnet-05:30:00.mp3` (BirdNET-Pi), `6713.240501053000.wav` (SoundTrap).
    """
    stem = PurePath(name.replace("\\", "/")).stem
    if _HEX_NAME.fullmatch(stem):
        made = datetime.fromtimestamp(int(stem[:8], 16), UTC)
        # Eight digits are also a date.
        return made if made >= _FIRST_AUDIOMOTH and made.year <= MOST_YEAR else None
    for match in _NAME.finditer(stem):
        year, _, month, day, hour, _, minute, second, fraction, z, sign, hours, minutes, plus, only = match.groups()
        if at := _moment(year, month, day, hour, minute, second or "0", fraction):
            if z:
                return at.replace(tzinfo=UTC)
            return _zoned(at, sign or plus, hours or only, minutes)
    short = _SHORT_NAME.search(stem)
    return _moment(f"20{short[1]}", *short.groups()[1:]) if short else None


def _said_in(chunk: Chunk) -> Iterator[_Said]:
    name, content = chunk
    if name == b"guan":
        yield _guano(content)
    elif name == b"wamd":
        yield _wamd(content)
    elif name == b"bext":
        yield _Said("bext", _bext(content))
    elif name == b"LIST":
        yield from (_Said("audiomoth comment", _comment(text)) for _, text in info_texts(content))
    elif name == b"FLAC":
        yield from (_Said("audiomoth comment", _comment(text)) for text in comment_texts(content))


def _guano(content: bytes) -> _Said:
    fields: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").split("\n"):
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip("\0 \t\r\ufeff"), value.strip("\0 \t\r"))
    return _Said("guano", _iso(fields.get("Timestamp", "")), _position(fields.get("Loc Position", "")))


def _wamd(content: bytes) -> _Said:
    """Parts of an id (16 bits), a size (32 bits) and so many bytes."""
    parts: dict[int, str] = {}
    at = 0
    while at + 6 <= len(content):
        kind, size = struct.unpack_from("<HI", content, at)
        parts.setdefault(kind, text_of(content[at + 6 : at + 6 + size]))
        at += 6 + size
    # Such as "WGS84, 40.0681, N, 88.2, W, 220", or with signs and without the letters.
    place = [part.strip() for part in parts.get(_WAMD_PLACE, "").upper().split(",")[1:]]
    if len(place) >= 4 and place[1] in "NS" and place[3] in "EW":
        place = [("-" if place[1] == "S" else "") + place[0], ("-" if place[3] == "W" else "") + place[2]]
    return _Said("wamd", _iso(parts.get(_WAMD_TIME, "")), _position(" ".join(place[:2])))


def _comment(text: str) -> datetime | None:
    match = _COMMENT.search(text)
    if match is None:
        return None
    hour, minute, second, fraction, day, month, year, sign, hours, minutes = match.groups()
    at = _moment(year, month, day, hour, minute, second, fraction)
    if at is None:
        return None
    return _zoned(at, sign, hours, minutes) if sign else at.replace(tzinfo=UTC)


def _bext(content: bytes) -> datetime | None:
    match = _BEXT.fullmatch(content[320:338].decode("latin-1"))
    return _moment(*match.groups()) if match else None


def _iso(text: str) -> datetime | None:
    if not re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if LEAST_YEAR <= at.year <= MOST_YEAR else None


def _position(text: str) -> Position | None:
    """None where nothing is said, or 0 0, which is what recorders write before they have found themselves."""
    try:
        latitude, longitude = (float(part) for part in text.replace(",", " ").split()[:2])
    except ValueError:
        return None
    sound = math.isfinite(latitude) and abs(latitude) <= 90 and abs(longitude) <= 180
    return (latitude, longitude) if sound and (latitude or longitude) else None


def _moment(
    year: str, month: str, day: str, hour: str, minute: str, second: str, fraction: str | None = None
) -> datetime | None:
    try:
        at = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second))
    except ValueError:
        return None
    if not LEAST_YEAR <= at.year <= MOST_YEAR:
        return None
    return at + timedelta(seconds=float(fraction or 0))


def _zoned(at: datetime, sign: str | None, hours: str | None, minutes: str | None) -> datetime:
    """With that offset where there is such a one on Earth; `-0001` after a time is a number of the file."""
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if sign is None or offset > timedelta(hours=14) or int(minutes or 0) % 15:
        return at
    return at.replace(tzinfo=timezone(-offset if sign == "-" else offset))
