"""MPEG audio (MP3) frame headers, as ISO 11172-3 and 13818-3 define them: just enough to find where a stream begins."""

from dataclasses import dataclass

# kbit/s by version, layer and the header's index. Left out: 0 (free format), 15 (forbidden) and the extinct layer I.
_BIT_RATES = {
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44_100, 48_000, 32_000)
_RATE_DIVISOR = {0b11: 1, 0b10: 2, 0b00: 4}
_CHAIN = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame's header: its length in bytes and what has to stay the same along a stream."""

    length: int
    version: int
    layer: int
    rate: int
    mono: bool


def frame_at(data: bytes, at: int) -> Frame | None:
    """The frame whose header begins at that byte, if one does."""
    if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    divisor = _RATE_DIVISOR.get(data[at + 1] >> 3 & 3)
    layer = 4 - (data[at + 1] >> 1 & 3)
    bit_index, rate_index, padding = data[at + 2] >> 4, data[at + 2] >> 2 & 3, data[at + 2] >> 1 & 1
    reserved_emphasis = data[at + 3] & 3 == 2
    if divisor is None or layer not in (2, 3) or bit_index in (0, 15) or rate_index == 3 or reserved_emphasis:
        return None
    version = 1 if divisor == 1 else 2
    bits = 1_000 * _BIT_RATES[version, layer][bit_index - 1]
    rate = _RATES[rate_index] // divisor
    length = (72 if version == 2 and layer == 3 else 144) * bits // rate + padding
    return Frame(length, version, layer, rate, mono=data[at + 3] >> 6 == 3)


def find_stream(data: bytes, *, whole: bool) -> int | None:
    """Offset of the first frame that others follow, or None.

    Four frames in a row, each where the one before ends, rule chance out. `whole` says that the data is all there is,
    so that a frame which ends beyond it may be the last one.
    """
    at = data.find(b"\xff")
    while at >= 0:
        if _chain(data, at, whole=whole):
            return at
        at = data.find(b"\xff", at + 1)
    return None


def names_its_length(data: bytes, at: int) -> bool:
    """Is the first frame, at that byte, no sound but the tag of Xing's or LAME's that counts the frames behind it?

    Fraunhofer's tag, VBRI, does so too, but libsndfile passes it over.
    """
    frame = frame_at(data, at)
    head = data[at : at + frame.length] if frame else b""
    return any(tag in head[4:48] for tag in (b"Xing", b"Info"))


def _chain(data: bytes, at: int, *, whole: bool) -> bool:
    begin, first = at, frame_at(data, at)
    frame = first
    for _ in range(_CHAIN - 1):
        if frame is None or first is None:
            return False
        at += frame.length
        if at + 4 > len(data):
            return whole and begin == 0
        frame = frame_at(data, at)
        if frame and (frame.version, frame.layer, frame.rate) != (first.version, first.layer, first.rate):
            return False
    return frame is not None
