"""A recording as a stream: opened by its content, mixed to mono, resampled, counted and judged on the way."""

import math
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soxr

from shared.audio import mp4
from shared.audio.constants import SAMPLE_RATE
from shared.audio.formats import Backend, Container, identify
from shared.audio.readers import Block, FfmpegReader, Unreadable
from shared.audio.report import DEFAULT_LIMITS, AudioInfo, DecodeLimits, DecodeReport
from shared.audio.rescue import RescuingReader
from shared.audio.truncation import ends_early
from shared.errors import CorruptAudio, EmptyAudio, TooLong, TooShort, UnsupportedAudio

# Beyond this a float sample is a broken number, not a loud sound; up to it, it is clipped when it is stored.
_LARGEST = 1e6
# A header's length may differ from what is decoded by padding of the codec.
_MISSING_SECONDS = 0.5
# With several channels alike, the mix is as loud as one; with sound in one of n only, 1/n of it. Under a tenth of that,
# they work against each other.
_CANCELLED = 0.1

Reader = RescuingReader | FfmpegReader


class AudioStream(Iterator[Block]):
    """A recording being decoded: iterate for float32 blocks, (n,), mono (mean of the channels), 22,050 Hz.

    Samples that are no numbers become zero, what comes before damage is kept, and `warnings` says so in plain words;
    `report` is complete once the iteration has ended. Resampling is soxr's HQ.

    Raises, when opened: EmptyAudio, NotAudio, CorruptAudio (nothing decodes), UnsupportedAudio (channels, rate),
    TooLong (after the header). While iterating: TooLong (after the samples), and at the end EmptyAudio or TooShort.
    """

    def __init__(self, path: Path, limits: DecodeLimits = DEFAULT_LIMITS) -> None:
        container = identify(path)
        self._path, self._container, self._limits = path, container, limits
        self._reader, first, rest = open_blocks(path, container, limits)
        self.info = self._reader.info
        self.warnings: list[str] = []
        self.samples = 0
        self._frames = self._bad = 0
        self._low, self._high = math.inf, -math.inf
        self._cancelled_amplitude = 0.0
        self._blocks = self._resampled(first, rest)

    def __next__(self) -> Block:
        return next(self._blocks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._blocks.close()
        self._reader.close()

    def report(self) -> DecodeReport:
        warnings = tuple(self.warnings)
        return DecodeReport(info=self.info, samples=self.samples, amplitude=self._amplitude(), warnings=warnings)

    def _amplitude(self) -> float:
        return max(0.0, (self._high - self._low) / 2)

    def _resampled(self, first: Block, rest: Iterator[Block]) -> Generator[Block, None, None]:
        rate = self.info.sample_rate
        resampler = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, quality="HQ")
        for mono in self._mono(first, rest):
            block = mono if resampler is None else resampler.resample_chunk(mono)
            if len(block):
                self.samples += len(block)
                yield block
        if resampler is not None:
            tail = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
            if len(tail):
                self.samples += len(tail)
                yield tail
        self._finish()

    def _mono(self, first: Block, rest: Iterator[Block]) -> Iterator[Block]:
        most = self._limits.max_seconds * self.info.sample_rate
        block: Block | None = first
        while block is not None:
            self._frames += len(block)
            if self._frames > most:
                raise _too_long(None, self._limits)
            yield self._mixed(block)
            block = next(rest, None)

    def _mixed(self, block: Block) -> Block:
        """The mean of the channels, (n,). Before it, samples that are no numbers become zero, channel by channel."""
        low, high = float(block.min()), float(block.max())
        if not (low >= -_LARGEST and high <= _LARGEST):
            good = np.abs(block) <= _LARGEST
            self._bad += good.size - int(np.count_nonzero(good))
            block = np.where(good, block, np.float32(0))
            low, high = float(block.min()), float(block.max())
        if block.shape[1] == 1:
            self._low, self._high = min(self._low, low), max(self._high, high)
            return block[:, 0]
        # Channel by channel: numpy reduces a short axis ten times more slowly.
        channels = list(block.T)
        mono: Block = channels[0] + channels[1]
        for channel in channels[2:]:
            mono += channel
        mono *= np.float32(1 / len(channels))
        mixed_low, mixed_high = float(mono.min()), float(mono.max())
        self._low, self._high = min(self._low, mixed_low), max(self._high, mixed_high)
        if (mixed_high - mixed_low) * len(channels) < _CANCELLED * (high - low):
            amplitudes = (float(np.ptp(channel)) / 2 for channel in channels)
            self._cancelled_amplitude = max(self._cancelled_amplitude, *amplitudes)
        return mono

    def _finish(self) -> None:
        seconds = self._frames / self.info.sample_rate
        # However little is accepted: at a high rate, one sample becomes none.
        if seconds < self._limits.min_seconds or not self.samples:
            raise TooShort(
                f"The recording has {self._frames} sample{'s' * (self._frames != 1)}: {seconds:.3f} s of sound.",
                hint=f"Send at least {self._limits.min_seconds} s, better 3 s or more.",
            )
        if self._bad:
            self.warnings.append(f"{self._bad} samples were not numbers and have been set to zero.")
        if max(abs(self._low), abs(self._high)) > 2.0:
            self.warnings.append("The samples go far beyond full scale and have been clipped.")
        if self._amplitude() * self.info.channels < _CANCELLED * self._cancelled_amplitude:
            self.warnings.append("The channels are mirror images: mixed to one they all but cancel each other out.")
        said = self.info.seconds
        if self._reader.damage:
            self.warnings.append(f"{self._reader.damage}: {seconds:.1f} s of the recording could be read.")
        elif said is not None and seconds < said - max(_MISSING_SECONDS, 0.01 * said):
            self.warnings.append(f"The file is cut short: {seconds:.1f} s of {said:.1f} s could be read.")
        elif ends_early(self._path, self._container):
            self.warnings.append(f"The file is cut short: {seconds:.1f} s of it could be read.")


def open_blocks(path: Path, container: Container, limits: DecodeLimits) -> tuple[Reader, Block, Iterator[Block]]:
    """The first reader that gives a block, with that block and those that follow. Raises as `AudioStream` does."""
    if container.demuxer == "mov" and mp4.is_encrypted(path):
        raise UnsupportedAudio("The recording is encrypted.", hint="Send one without copy protection.")
    believable = path.stat().st_size / container.least_bytes_a_second
    opened_empty = False
    for backend in container.backends:
        with suppress(Unreadable):
            reader = _reader(backend, path, container)
            try:
                _check(reader.info, limits, believable)
                blocks = reader.blocks()
                first = next(blocks, None)
            except BaseException:
                reader.close()
                raise
            if first is not None:
                return reader, first, blocks
            opened_empty = opened_empty or not reader.damage
            reader.close()
    if opened_empty:
        raise EmptyAudio(f"The {container.name} file holds no sound.", hint="Check that the recording was finished.")
    raise CorruptAudio(
        f"The file begins like {container.name}, but nothing of it can be decoded.",
        hint="Check that it plays elsewhere, or send it again: it may have been cut short or damaged on the way.",
    )


def _reader(backend: Backend, path: Path, container: Container) -> Reader:
    """Raises Unreadable when this backend cannot read the file."""
    if backend == "libsndfile":
        return RescuingReader(path, container)
    return FfmpegReader(path, container, to_the_end=backend == "ffmpeg to the end")


def _check(info: AudioInfo, limits: DecodeLimits, believable: float) -> None:
    if info.channels > limits.max_channels:
        raise UnsupportedAudio(
            f"The recording has {info.channels} channels; at most {limits.max_channels} are supported.",
            hint="Send one or two of its channels.",
        )
    if not limits.min_sample_rate <= info.sample_rate <= limits.max_sample_rate:
        raise UnsupportedAudio(
            f"The recording's sample rate is {info.sample_rate:,} Hz; "
            f"{limits.min_sample_rate:,} to {limits.max_sample_rate:,} Hz are supported.",
            hint="Send it at 44,100 or 48,000 Hz.",
        )
    if info.seconds is not None and limits.max_seconds < info.seconds <= believable:
        raise _too_long(info.seconds, limits)


def _too_long(seconds: float | None, limits: DecodeLimits) -> TooLong:
    length = "longer" if seconds is None else f"{seconds:,.0f} s long"
    return TooLong(
        f"The recording is {length}; at most {limits.max_seconds:,.0f} s are accepted here.",
        hint="Cut it into shorter recordings.",
    )
