"""Two readers of one shape: blocks of float32 samples at the file's own rate, from libsndfile or from FFmpeg."""

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import soundfile

from shared.audio.formats import HINT, Container
from shared.audio.report import AudioInfo
from shared.errors import NotAudio

BLOCK_FRAMES = 65_536
_UNKNOWN_FRAMES = 2**62
_BEHIND_BYTES = 65_536
_BAD_PACKETS_IN_A_ROW = 500
# PyAV counts a frame's planes up to the end of FFmpeg's list of eight, and beyond it where that is full.
_MOST_PLANES = 8
_PYAVS_FORMATS = ("u8", "s16", "s32", "flt", "dbl")

Block = npt.NDArray[np.float32]


class Unreadable(Exception):
    """This reader cannot make sense of the file; another may."""


class SoundfileReader:
    """WAV, AIFF, FLAC, OGG (Vorbis, Opus, FLAC), MP3, CAF, AU and W64 through libsndfile."""

    def __init__(self, path: Path, container: Container) -> None:
        self.damage = ""
        # Opened here, so that libsndfile cannot guess from the name, and so that it shows how far it has read.
        self._bytes = path.open("rb", buffering=0)
        try:
            self._file = soundfile.SoundFile(self._bytes.fileno(), closefd=False)
            if self._file.frames >= _UNKNOWN_FRAMES:
                # It would read to the end and call that damage.
                self._file.close()
                raise Unreadable("the header names no length")
        except (soundfile.LibsndfileError, Unreadable) as error:
            self._bytes.close()
            raise Unreadable(str(error)) from error
        self.info = AudioInfo(
            format=container.name,
            codec=self._file.subtype.lower(),
            sample_rate=self._file.samplerate,
            channels=self._file.channels,
            seconds=self._file.frames / self._file.samplerate if self._file.frames else None,
        )

    def blocks(self) -> Iterator[Block]:
        """Blocks of (frames, channels), -1..1. Ends at the first damage, and then says so in `damage`."""
        while not self.damage:
            block = np.zeros((BLOCK_FRAMES, self.info.channels), np.float32)
            try:
                frames = len(self._file.read(out=block))
            except soundfile.LibsndfileError:
                self.damage = "The file is damaged"
                # libsndfile does not tell where; it fills the block with zeros from there on.
                frames = int(np.flatnonzero(block.any(axis=1)).max(initial=-1)) + 1
            if not frames:
                return
            yield block[:frames]

    def behind(self) -> bytes:
        """The first bytes that were not read, once the blocks have ended."""
        return os.pread(self._bytes.fileno(), _BEHIND_BYTES, os.lseek(self._bytes.fileno(), 0, os.SEEK_CUR))

    def close(self) -> None:
        self._file.close()
        self._bytes.close()


class FfmpegReader:
    """The sound track of everything else through FFmpeg's libraries, with one demuxer and local files only.

    The demuxer is named, never probed, so that no playlist (HLS, DASH, concat) can make it open something else.
    """

    def __init__(self, path: Path, container: Container, *, to_the_end: bool = False) -> None:
        """`to_the_end` is for WAV: whatever length its header names, the samples go on to the end of the file."""
        self.damage = ""
        options = {"protocol_whitelist": "file"} | ({"ignore_length": "1"} if to_the_end else {})
        try:
            self._container = av.open(
                f"file:{path.absolute()}", format=container.demuxer, options=options, metadata_errors="replace"
            )
        except (av.FFmpegError, ValueError) as error:
            raise Unreadable(str(error)) from error
        try:
            self._open_track(container)
        except BaseException:
            self._container.close()
            raise

    def _open_track(self, container: Container) -> None:
        if not self._container.streams.audio:
            raise NotAudio("The file holds no sound track.", hint=HINT)
        self._stream = self._container.streams.audio[0]
        frames = self._frames()
        first = next(frames, None)
        if first is None:
            raise Unreadable("no frame of the sound track could be decoded")
        self._all_frames = chain([first], frames)
        microseconds = self._container.duration if container.seconds_known else None
        # The rate of a decoded frame: the header of an HE-AAC track names half of it.
        self.info = AudioInfo(
            format=container.name,
            codec=self._stream.codec_context.name,
            sample_rate=first.sample_rate,
            channels=first.layout.nb_channels,
            seconds=microseconds / 1e6 if microseconds and microseconds > 0 else None,
        )

    def blocks(self) -> Iterator[Block]:
        """Blocks of (frames, channels), -1..1. Broken packets are left out, and `damage` says so."""
        samples = _Samples()
        # Hundreds of small frames at a time become an array much faster than one by one.
        waiting, kind = av.AudioFifo(), ("", "")
        for frame in self._all_frames:
            if frame.sample_rate != self.info.sample_rate:
                self.damage = "The sample rate changes on the way"
                break
            # The queue itself does not look, and crashes on frames of another kind.
            its_kind = (frame.format.name, frame.layout.name)
            if waiting.samples and (its_kind != kind or waiting.samples >= BLOCK_FRAMES):
                yield samples.of(waiting.read())
            if its_kind != kind:
                waiting, kind = av.AudioFifo(), its_kind
            # Where a packet is lost, the times of what follows would not be those that the queue expects.
            frame.pts = None
            waiting.write(frame)
        if waiting.samples:
            yield samples.of(waiting.read())

    def _frames(self) -> Iterator[av.AudioFrame]:
        packets = self._container.demux(self._stream)
        bad_in_a_row = 0
        while bad_in_a_row < _BAD_PACKETS_IN_A_ROW:
            try:
                packet = next(packets)
            except (StopIteration, IndexError):
                # After the last packet PyAV may look for a track that appeared on the way, as in MPEG streams.
                return
            except av.FFmpegError:
                self.damage = "The file is damaged"
                return
            try:
                frames = packet.decode()
            except av.EOFError:
                return
            except av.FFmpegError:
                self.damage = "Parts of the file are damaged"
                bad_in_a_row += 1
                continue
            bad_in_a_row = 0
            for frame in frames:
                if isinstance(frame, av.AudioFrame) and frame.samples:
                    yield frame

    def close(self) -> None:
        with suppress(av.FFmpegError):
            self._container.close()


class _Samples:
    """Decoded frames as (samples, channels), -1..1, whatever FFmpeg's sample format is."""

    def __init__(self) -> None:
        self._packing: tuple[str, str] | None = None

    def of(self, frame: Any) -> Block:
        many_planes = frame.format.is_planar and frame.layout.nb_channels >= _MOST_PLANES
        if many_planes or frame.format.packed.name not in _PYAVS_FORMATS:
            frame = self._packed(frame)
        raw: npt.NDArray[Any] = frame.to_ndarray()
        if raw.dtype == np.uint8:
            scaled = (raw.astype(np.float32) - 128.0) / 128.0
        elif raw.dtype.kind == "i":
            scaled = raw / -float(np.iinfo(raw.dtype).min)
        else:
            scaled = raw
        planes = scaled.astype(np.float32, copy=False)
        return planes.T if frame.format.is_planar else planes.reshape(-1, frame.layout.nb_channels)

    def _packed(self, frame: av.AudioFrame) -> av.AudioFrame:
        """The frame as interleaved float32, by FFmpeg itself."""
        kind = (frame.format.name, frame.layout.name)
        if kind != self._packing:
            self._packing = kind
            self._packer = av.AudioResampler(format="flt", layout=frame.layout)
        frame.pts = None
        (packed,) = self._packer.resample(frame)
        return packed
