"""Stretches of a recording as it was recorded: at its own rate, with all its channels."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
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


@contextmanager
def cut_out(
    path: Path, stretches: Sequence[Stretch], *, whole: bool, limits: DecodeLimits = DEFAULT_LIMITS
) -> Iterator[tuple[AudioInfo, Iterator[Piece]]]:
    """What the recording is, and the samples of each stretch; their starts must not go back.

    Of a file that is `whole`, as its decoding has shown, only the stretches are read where its format allows that; of
    any other all, as `AudioStream` reads it. Pieces of stretches that overlap may alternate. At no time is more than a
    block of 65,536 frames in memory. It is decoded in this process: for files that a decoder process has coped with.

    Raises the AudioErrors of `AudioStream`, and CorruptAudio where a file that was whole is so no more.
    """
    container = identify(path)
    with ExitStack() as stack:
        sound = _sound(path, stack) if whole and container.name in _SEEKABLE else None
        if sound is not None and _reaches(sound, stretches):
            info = AudioInfo(
                format=container.name,
                codec=sound.subtype.lower(),
                sample_rate=sound.samplerate,
                channels=sound.channels,
                seconds=sound.frames / sound.samplerate,
            )
            yield info, _sought(sound, _in_frames(stretches, info))
        else:
            reader, first, rest = open_blocks(path, container, limits)
            stack.callback(reader.close)
            yield reader.info, _streamed(first, rest, _in_frames(stretches, reader.info))


def _sound(path: Path, stack: ExitStack) -> soundfile.SoundFile | None:
    # By its number, so that libsndfile does not guess from the name.
    file = stack.enter_context(path.open("rb"))
    try:
        return stack.enter_context(soundfile.SoundFile(file.fileno(), closefd=False))
    except soundfile.LibsndfileError:
        return None


def _reaches(sound: soundfile.SoundFile, stretches: Sequence[Stretch]) -> bool:
    last = max((end for _, end in stretches), default=0.0)
    return bool(last <= sound.frames / sound.samplerate + _SLACK_SECONDS)


def _in_frames(stretches: Sequence[Stretch], info: AudioInfo) -> list[tuple[int, int]]:
    return [(max(0, round(start * info.sample_rate)), round(end * info.sample_rate)) for start, end in stretches]


def _sought(sound: soundfile.SoundFile, stretches: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    for number, (start, end) in enumerate(stretches):
        try:
            left = min(end, sound.frames) - sound.seek(min(start, sound.frames))
            while left > BLOCK_FRAMES:
                yield Piece(number, _read(sound, BLOCK_FRAMES), last=False)
                left -= BLOCK_FRAMES
            yield Piece(number, _read(sound, max(0, left)), last=True)
        except soundfile.LibsndfileError as error:
            raise CorruptAudio("The recording can be read no more.", hint=ANOTHER_PROGRAM) from error


def _read(sound: soundfile.SoundFile, frames: int) -> Block:
    samples: Block = sound.read(frames, dtype="float32", always_2d=True)
    return samples


def _streamed(first: Block, rest: Iterator[Block], stretches: Sequence[tuple[int, int]]) -> Iterator[Piece]:
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
