"""Ways in which a file goes wrong: each takes its bytes, another file's, and a source of chance."""

from collections.abc import Callable

import numpy as np

Chance = np.random.Generator
Mutation = Callable[[bytes, bytes, Chance], bytes]

_HEAD = 192
_EXTREMES = (0, 1, -1, 2, 0x7F, 0xFF, 1 << 15, (1 << 15) - 1, 1 << 31, (1 << 31) - 1, (1 << 63) - 1)


def flip_bits(content: bytes, other: bytes, chance: Chance) -> bytes:
    """One to thirty bits, anywhere."""
    changed = bytearray(content)
    for at in chance.integers(len(changed), size=chance.choice([1, 3, 30])):
        changed[at] ^= 1 << int(chance.integers(8))
    return bytes(changed)


def change_head(content: bytes, other: bytes, chance: Chance) -> bytes:
    """One to eight bytes near the beginning."""
    changed = bytearray(content)
    for at in chance.integers(min(len(changed), _HEAD), size=chance.choice([1, 2, 8])):
        changed[at] = int(chance.integers(256))
    return bytes(changed)


def overwrite_run(content: bytes, other: bytes, chance: Chance) -> bytes:
    """A run of zeros, of ones, or of anything over what was there."""
    start, stop = _piece(content, chance)
    fill = [bytes(stop - start), b"\xff" * (stop - start), chance.bytes(stop - start)][chance.integers(3)]
    return content[:start] + fill + content[stop:]


def insert_run(content: bytes, other: bytes, chance: Chance) -> bytes:
    at, run = int(chance.integers(len(content) + 1)), chance.bytes(int(chance.choice([1, 7, 188, 3_000])))
    return content[:at] + run + content[at:]


def delete_piece(content: bytes, other: bytes, chance: Chance) -> bytes:
    start, stop = _piece(content, chance)
    return content[:start] + content[stop:]


def repeat_piece(content: bytes, other: bytes, chance: Chance) -> bytes:
    start, stop = _piece(content, chance)
    return content[:stop] + content[start:stop] * int(chance.choice([1, 3, 20])) + content[stop:]


def swap_pieces(content: bytes, other: bytes, chance: Chance) -> bytes:
    first, second, third, fourth = sorted(int(at) for at in chance.integers(len(content) + 1, size=4))
    return content[:first] + content[third:fourth] + content[second:third] + content[first:second] + content[fourth:]


def truncate(content: bytes, other: bytes, chance: Chance) -> bytes:
    """The end is lost, most often early on."""
    return content[: 1 + int(len(content) * chance.random() ** chance.choice([1, 4]))]


def extreme_field(content: bytes, other: bytes, chance: Chance) -> bytes:
    """A number in the head becomes zero, the largest or a negative one, in either byte order."""
    size = int(chance.choice([1, 2, 4, 8]))
    at = int(chance.integers(max(1, min(len(content), _HEAD) - size)))
    return _with_number(content, at, size, int(chance.choice(len(_EXTREMES))), big=bool(chance.integers(2)))


def wrong_length(content: bytes, other: bytes, chance: Chance) -> bytes:
    """A number that may well be a chunk's length, as it reaches to a place in the file, becomes another."""
    for start in chance.integers(max(1, len(content) - 4), size=200):
        at = int(start if chance.random() < 0.5 else start % _HEAD)
        for big in (True, False):
            value = int.from_bytes(content[at : at + 4], "big" if big else "little")
            if 8 <= value <= len(content) - at:
                return _with_number(content, at, 4, int(chance.choice(len(_EXTREMES))), big=big)
    return extreme_field(content, other, chance)


def splice(content: bytes, other: bytes, chance: Chance) -> bytes:
    """The beginning of one file and the end of another."""
    return content[: int(chance.integers(1, len(content) + 1))] + other[int(chance.integers(len(other))) :]


def put_in_front(content: bytes, other: bytes, chance: Chance) -> bytes:
    """Another file, a tag or junk before the file."""
    tag = b"ID3\x04\x00" + chance.bytes(1) + bytes(int(part) for part in chance.integers(128, size=4) // 8)
    return [other, tag + bytes(64), chance.bytes(500)][chance.integers(3)] + content


def with_right_checksums(content: bytes) -> bytes:
    """An OGG file whose pages count as intact again (RFC 3533, section 6), so that what they hold is decoded."""
    mended = bytearray(content)
    at = mended.find(b"OggS")
    while at >= 0:
        segments = mended[at + 26] if at + 26 < len(mended) else 0
        length = 27 + segments + sum(mended[at + 27 : at + 27 + segments])
        mended[at + 22 : at + 26] = bytes(4)
        checksum = 0
        for byte in mended[at : at + length]:
            checksum = (checksum << 8 & 0xFFFF_FFFF) ^ _OGG_CHECKSUMS[checksum >> 24 ^ byte]
        mended[at + 22 : at + 26] = checksum.to_bytes(4, "little")
        at = mended.find(b"OggS", at + 27)
    return bytes(mended)


def _ogg_checksum(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = (value << 1 ^ (0x04C1_1DB7 if value >> 31 else 0)) & 0xFFFF_FFFF
    return value


_OGG_CHECKSUMS = tuple(map(_ogg_checksum, range(256)))


def _piece(content: bytes, chance: Chance) -> tuple[int, int]:
    """Where a piece begins and ends: of any size, small ones and early ones more often."""
    start = int(len(content) * chance.random() ** chance.choice([1, 3]))
    return start, min(len(content), start + 1 + int(len(content) * chance.random() ** 4))


def _with_number(content: bytes, at: int, size: int, choice: int, *, big: bool) -> bytes:
    field = (_EXTREMES[choice] % (1 << 8 * size)).to_bytes(size, "big" if big else "little")
    return content[:at] + field + content[at + size :]


MUTATIONS: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        *(flip_bits, change_head, overwrite_run, insert_run, delete_piece, repeat_piece),
        *(swap_pieces, truncate, extreme_field, wrong_length, splice, put_in_front),
    )
}
