"""Prepared recordings: mono PCM16 WAV at 22,050 Hz, written in blocks and read as a memory map."""

import mmap
import struct
import uuid
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from shared.audio.constants import SAMPLE_RATE
from shared.errors import CorruptAudio

FULL_SCALE = 32_768
BYTES_PER_SAMPLE = 2
_PCM = 1
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLES_AT = _HEADER.size


def to_pcm16(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """float32 -1..1 -> int16, rounded to the nearest step, clipped at full scale."""
    scaled = samples * np.float32(FULL_SCALE)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled)
    return scaled.astype(np.int16)


def as_float(samples: npt.NDArray[np.int16] | npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Prepared int16 samples as float32 -1..1, the inverse of `to_pcm16`; float32 samples as they are."""
    scale = np.float32(1 / FULL_SCALE if samples.dtype == np.int16 else 1)
    return samples.astype(np.float32) * scale


class PreparedWriter:
    """Writes a prepared WAV block by block into a seekable file; `finish` makes its header right."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.samples = 0
        file.write(_header(0))

    def write(self, block: npt.NDArray[np.float32]) -> None:
        """Append float32 samples, (n,), mono, 22,050 Hz."""
        self._file.write(to_pcm16(block).astype("<i2", copy=False).data)
        self.samples += len(block)

    def finish(self) -> None:
        self._file.seek(0)
        self._file.write(_header(self.samples))


def part_path(dst: Path) -> Path:
    """A name beside `dst` for a file in the making that no other process, on no other machine, will choose."""
    return dst.with_name(f"{dst.name}.{uuid.uuid4().hex}.part")


def open_prepared(path: Path) -> "np.memmap[tuple[int], np.dtype[np.int16]]":
    """Map a prepared WAV: int16, (samples,), mono, 22,050 Hz, read-only; no sample is read before it is used.

    Raises CorruptAudio when the file is not a prepared one or its length is not what its header says.
    """
    with path.open("rb") as file:
        raw = file.read(_SAMPLES_AT)
    samples = (path.stat().st_size - _SAMPLES_AT) // BYTES_PER_SAMPLE
    if samples < 1 or raw != _header(samples):
        raise CorruptAudio(f"{path.name} is not a whole prepared recording.", hint="Prepare the recording again.")
    return np.memmap(path, dtype="<i2", mode="r", offset=_SAMPLES_AT, shape=(samples,))


def forget_pages(samples: npt.NDArray[Any]) -> None:
    """Let go of what has been read of a memory map, so that passing through a long one takes no memory."""
    if isinstance(samples, np.memmap) and isinstance(samples.base, mmap.mmap):
        samples.base.madvise(mmap.MADV_DONTNEED)


def read_prepared(path: Path, start: int = 0, stop: int | None = None) -> npt.NDArray[np.float32]:
    """Samples `start` to `stop` of a prepared WAV as float32, (n,)."""
    pcm: npt.NDArray[Any] = open_prepared(path)[start:stop]
    return as_float(pcm)


def _header(samples: int) -> bytes:
    size = samples * BYTES_PER_SAMPLE
    rate = SAMPLE_RATE
    chunk = (b"fmt ", 16, _PCM, 1, rate, rate * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 8 * BYTES_PER_SAMPLE)
    return _HEADER.pack(b"RIFF", _SAMPLES_AT - 8 + size, b"WAVE", *chunk, b"data", size)
