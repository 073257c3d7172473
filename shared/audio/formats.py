"""What a file is, by its content: file names and MIME types lie."""

import codecs
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

from shared.audio import mpeg
from shared.errors import EmptyAudio, NotAudio

HINT = "Send WAV, FLAC, OGG, Opus, MP3, M4A, WebM, WMA or AIFF."
AUDIO_SUFFIXES = frozenset({
    ".wav", ".w64", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".mp4", ".aac", ".wma", ".aif", ".aiff", ".aifc",
    ".caf", ".au", ".webm", ".mka", ".amr", ".3gp", ".wv",
})  # fmt: skip
_HEAD = 65_536

Backend = Literal["libsndfile", "ffmpeg", "ffmpeg to the end"]


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of file, and who can read it: libsndfile where it can, `demuxer` (FFmpeg's name) where it cannot."""

    name: str
    demuxer: str
    backends: tuple[Backend, ...] = ("ffmpeg",)
    seconds_known: bool = True
    """False where FFmpeg only guesses the length from the bit rate."""
    least_bytes_a_second: int = 1
    """A header that promises more sound than so many bytes can hold is wrong."""


_BOTH: tuple[Backend, ...] = ("libsndfile", "ffmpeg")
# The last is for recorders that lost power before they wrote how long the recording is.
_WAV = Container("wav", "wav", (*_BOTH, "ffmpeg to the end"))
# 8 kbit/s is the least that a frame's header can name.
_MP3 = Container("mp3", "mp3", _BOTH, seconds_known=False, least_bytes_a_second=1_000)
# libsndfile guesses the length from the first frame's bit rate, and stops there.
_MP3_OF_ANY_LENGTH = Container("mp3", "mp3", seconds_known=False)
_MPEG_TS = Container("mpegts", "mpegts")
_MATROSKA = Container("matroska", "matroska")
_WEBM = Container("webm", "matroska")

_BY_HEAD = {
    b"fLaC": Container("flac", "flac", _BOTH),
    b"OggS": Container("ogg", "ogg", _BOTH),
    b"RF64": _WAV,
    b"BW64": _WAV,
    b"riff\x2e\x91\xcf\x11": Container("w64", "w64", _BOTH),
    b"caff": Container("caf", "caf", _BOTH),
    b".snd": Container("au", "au", _BOTH),
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": Container("wma", "asf"),
    b"#!AMR": Container("amr", "amr", seconds_known=False),
    b"wvpk": Container("wavpack", "wv"),
    b"TTA1": Container("tta", "tta"),
    b"FLV\x01": Container("flv", "flv"),
    b"\x00\x00\x01\xba": Container("mpeg", "mpeg"),
}
_BY_FORM = {
    (b"RIFF", b"WAVE"): _WAV,
    (b"RIFX", b"WAVE"): _WAV,
    (b"FORM", b"AIFF"): Container("aiff", "aiff", _BOTH),
    (b"FORM", b"AIFC"): Container("aiff", "aiff", _BOTH),
    (b"RIFF", b"AVI "): Container("avi", "avi"),
}
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_OTHER_KINDS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"SQLite": "a database",
    b"\x7fELF": "a program",
    b"MThd": "a MIDI score, which holds notes and no sound",
    b"#EXTM3U": "a playlist",
}


def is_audio_name(name: str) -> bool:
    """Whether a file is meant as a recording; what it is, its content says."""
    return PurePosixPath(name).suffix.lower() in AUDIO_SUFFIXES


def identify(path: Path) -> Container:
    """The kind of sound file at `path`. Raises EmptyAudio for no bytes at all, NotAudio for anything else."""
    with path.open("rb") as file:
        return identify_open(file)


def identify_open(file: BinaryIO) -> Container:
    """The same of a file that is open at its beginning, and is left anywhere."""
    head = file.read(_HEAD)
    if not head:
        raise EmptyAudio("The file has no content: 0 bytes.", hint="Check that the upload or copy was finished.")
    at, tagged = 0, False
    while step := skip_id3(head):
        at, tagged = at + step, True
        file.seek(at)
        head = file.read(_HEAD)
    if tagged and not head:
        raise EmptyAudio("The file holds an ID3 tag and no sound.", hint="Check that the copy was finished.")
    whole = not file.read(1)
    container = _by_magic(head)
    if container is None and _other_kind(head) is None:
        container = _mp3(head, tagged=tagged, whole=whole)
    if container is None:
        raise NotAudio(f"The file is {_other_kind(head) or 'of no known kind'}, not a sound recording.", hint=HINT)
    return container


def skip_id3(head: bytes) -> int:
    """Length of the ID3v2 tag that a file begins with, 0 without one (id3.org, ID3v2.4 section 3.1)."""
    if head[:3] != b"ID3" or len(head) < 10 or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    has_footer = head[5] & 0x10
    return size + (20 if has_footer else 10)


def _by_magic(head: bytes) -> Container | None:
    form = _BY_FORM.get((head[:4], head[8:12]))
    if form:
        return form
    for magic, container in _BY_HEAD.items():
        if head.startswith(magic):
            return container
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _WEBM if b"webm" in head[:64] else _MATROSKA
    if head[4:8] in _MP4_BOXES:
        return Container({b"M4A ": "m4a", b"qt  ": "mov", b"3gp4": "3gp"}.get(head[8:12], "mp4"), "mov")
    if head[0] == 0xFF and head[1:2] and head[1] & 0xF6 == 0xF0:
        return Container("aac", "aac", seconds_known=False)
    if head[:2] == b"\x0b\x77" and len(head) > 5:
        # Stream versions above 10 are E-AC-3 (ATSC A/52, annex E.2.1.6).
        kind = "ac3" if head[5] >> 3 <= 10 else "eac3"
        return Container(kind, kind, seconds_known=False)
    # Packets of 188 bytes, or of 192 as camcorders write them, each with the same first byte.
    for size, first in ((188, 0), (192, 4)):
        if len(head) > 4 * size and all(head[first + size * packet] == 0x47 for packet in range(4)):
            return _MPEG_TS
    return None


def _mp3(head: bytes, *, tagged: bool, whole: bool) -> Container | None:
    start = mpeg.find_stream(head, whole=whole)
    if start is None:
        return _MP3 if tagged else None
    return _MP3 if mpeg.names_its_length(head, start) else _MP3_OF_ANY_LENGTH


def _other_kind(head: bytes) -> str | None:
    """What a file that is no sound is, where that is plain."""
    for magic, kind in _OTHER_KINDS.items():
        if head.startswith(magic):
            return kind
    opening = head[:1_024].lstrip().lower()
    if opening.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    try:
        characters = codecs.getincrementaldecoder("utf-8")().decode(head[:1_024])
    except UnicodeDecodeError:
        return None
    return "text" if all(one.isprintable() or one.isspace() for one in characters) else None
