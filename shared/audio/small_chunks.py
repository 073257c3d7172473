"""The small parts of a WAV or FLAC file that say something about it. No sound is read, and nothing is trusted.

RIFF (Multimedia Programming Interface 1.0, 1991), RF64 and BW64 (EBU Tech 3306, ITU-R BS.2088), FLAC (RFC 9639).
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

Chunk = tuple[bytes, bytes]
"""What it is called (four letters; `FLAC` for a FLAC file's comments) and what it holds."""

MOST_BYTES = 65_536
"""Of a chunk, no more is read."""
MOST_CHUNKS = 256

_UNKNOWN_SIZE = 0xFFFFFFFF
_NO_TEXT = (b"fmt ", b"data", b"JUNK", b"junk", b"PAD ", b"FLLR", b"fact", b"cue ", b"peak", b"PEAK")


def small_chunks(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks of a file that is open at its beginning, in their order, each cut off at 64 KB; none of other files.

    Sizes that cannot be end the walk. At most 256 chunks are looked at.
    """
    head = file.read(12)
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        yield from _riff(file)
    elif head[:4] == b"fLaC":
        file.seek(4)
        yield from _flac(file)


def text_of(content: bytes) -> str:
    """UTF-8, or what Windows wrote in the west; up to the first NUL."""
    content = content.split(b"\0", 1)[0]
    try:
        return content.decode("utf-8").strip()
    except UnicodeDecodeError:
        return content.decode("latin-1").strip()


def info_texts(content: bytes) -> Iterator[tuple[bytes, str]]:
    """The texts of a LIST chunk of type INFO, such as `(b"ICMT", "a comment")`."""
    if content[:4] != b"INFO":
        return
    at = 4
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        yield name, text_of(content[at + 8 : at + 8 + size])
        at += 8 + size + size % 2


def comment_texts(content: bytes) -> Iterator[str]:
    """The comments of a FLAC or Ogg file without their names (Vorbis I, section 5)."""
    at = 4 + int.from_bytes(content[:4], "little")
    count = int.from_bytes(content[at : at + 4], "little")
    at += 4
    for _ in range(min(count, MOST_CHUNKS)):
        if at + 4 > len(content):
            return
        size = int.from_bytes(content[at : at + 4], "little")
        yield text_of(content[at + 4 : at + 4 + size].partition(b"=")[2])
        at += 4 + size


def _riff(file: BinaryIO) -> Iterator[Chunk]:
    whole_data = 0
    for _ in range(MOST_CHUNKS):
        head = file.read(8)
        # Where a recorder lost power before it knew how long the sound is, the sound comes next.
        if len(head) < 8 or not head[:4].decode("latin-1").isprintable():
            return
        name, size = head[:4], int.from_bytes(head[4:], "little")
        start = file.tell()
        if name == b"ds64":
            sizes = file.read(16)
            whole_data = int.from_bytes(sizes[8:], "little")
        elif name == b"data" and size == _UNKNOWN_SIZE:
            size = whole_data
        elif name not in _NO_TEXT:
            yield name, file.read(min(size, MOST_BYTES))
        if not _seek(file, start + size + size % 2):
            return


def _flac(file: BinaryIO) -> Iterator[Chunk]:
    for _ in range(MOST_CHUNKS):
        head = file.read(4)
        if len(head) < 4:
            return
        size = int.from_bytes(head[1:], "big")
        start = file.tell()
        kind = head[0] & 0x7F
        if kind == 4:
            yield b"FLAC", file.read(min(size, MOST_BYTES))
        elif kind == 2 and file.read(4) == b"riff":
            # What `flac --keep-foreign-metadata` keeps of a WAV file: a chunk with its head.
            inner = file.read(min(max(size - 4, 0), MOST_BYTES))
            yield inner[:4], inner[8:]
        if head[0] & 0x80 or not _seek(file, start + size):
            return


def _seek(file: BinaryIO, to: int) -> bool:
    try:
        file.seek(to)
    except (OSError, OverflowError, ValueError):
        return False
    return True
