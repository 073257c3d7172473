"""Stretches of a recording as it was recorded: at its own rate, with all its channels."""

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from shared.audio.audio_stream import open_blocks
from shared.audio.formats import identify
from shared.audio.readers import BLOCK_FRAMES, Block
from shared.audio.report import ANOTHER_PROGRAM, DEFAULT_LIMITS, AudioInfo, DecodeLimits
from shared.errors import CorruptAudio

Stretch = tuple[float, float]
"""Seconds [start, end)."""

# Whose samples libsndfile finds at once and exactly.
_SEEKABLE = ("wav", "w64", "flac", "aiff", "caf", "au")
_SLACK_SECONDS = 0.01


class Piece(NamedTuple):
    """The next samples of a stretch: float32, (frames, channels), -1..1; none, or fewer, where the recording ends."""

    number: int
    samples: Block
    last: bool


def cut_out(
    path: Path, stretches: Sequence[Stretch], *, whole: bool, limits: DecodeLimits = DEFAULT_LIMITS
) -> tuple[AudioInfo, Generator[Piece, None, None]]:
    """What the recording is, and the samples of each stretch; their starts must not go back.

    Of a file that is `whole`, as its decoding has shown, only the stretches are read where its format allows that; of
    any other all, as `AudioStream` reads it. Pieces of stretches that overlap may alternate. At no time is more than a
    block of 65,536 frames in memory. It is decoded in this process: for files that a decoder process has coped with.

    Raises the AudioErrors of `AudioStream`; CorruptAudio while iterating.
    """
    container = identify(path)
    if whole and container.name in _SEEKABLE:
        with path.open("rb") as file:
            try:
                with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
                    codec, rate, channels, frames = sound.subtype, sound.samplerate, sound.channels, sound.frames
            except soundfile.LibsndfileError:
                frames = 0
        last = max((end for _, end in stretches), default=0.0)
        if frames and last <= frames / rate + _SLACK_SECONDS:
            info = AudioInfo(
                format=container.name,
                codec=codec.lower(),
                sample_rate=rate,
                channels=channels,
                seconds=frames / rate,
            )
            return info, _sought(path, _in_frames(stretches, rate))
    reader, first, rest = open_blocks(path, container, limits)

    def streamed() -> Generator[Piece, None, None]:
        try:
            yield from _streamed(first, rest, _in_frames(stretches, reader.info.sample_rate))
        finally:
            reader.close()

    return reader.info, streamed()


def _in_frames(stretches: Sequence[Stretch], rate: int) -> list[tuple[int, int]]:
    return [(max(0, round(start * rate)), round(end * rate)) for start, end in stretches]


def _sought(path: Path, stretches: Sequence[tuple[int, int]]) -> Generator[Piece, None, None]:
    # By its number, so that libsndfile does not guess from the name.
    with path.open("rb") as file, soundfile.SoundFile(file.fileno(), closefd=False) as sound:
        for index, (start, end) in enumerate(stretches):
            try:
                left = min(end, sound.frames) - sound.seek(min(start, sound.frames))
                while left > BLOCK_FRAMES:
                    yield Piece(index, _read(sound, BLOCK_FRAMES), last=False)
                    left -= BLOCK_FRAMES
                yield Piece(index, _read(sound, max(0, left)), last=True)
            except soundfile.LibsndfileError as error:
                raise CorruptAudio(f"{path.name} cannot be read at {start} samples.", hint=ANOTHER_PROGRAM) from error


def _read(sound: soundfile.SoundFile, frames: int) -> Block:
    samples: Block = sound.read(frames, dtype="float32", always_2d=True)
    return samples


def _streamed(
    first: Block, rest: Iterator[Block], stretches: Sequence[tuple[int, int]]
) -> Generator[Piece, None, None]:
    at, opened, begun = 0, list[int](), 0
    block: Block | None = first
    while block is not None and (opened or begun < len(stretches)):
        end = at + len(block)
        while begun < len(stretches) and stretches[begun][0] < end:
            opened.append(begun)
            begun += 1
        for index in list(opened):
            start, stop = stretches[index]
            last = stop <= end
            yield Piece(index, block[max(0, start - at) : max(0, stop - at)], last)
            if last:
                opened.remove(index)
        at = end
        block = next(rest, None)
    nothing = np.zeros((0, first.shape[1]), np.float32)
    for index in [*opened, *range(begun, len(stretches))]:
        yield Piece(index, nothing, last=True)
