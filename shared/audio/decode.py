"""Decoding: any sound file, known by its content, becomes mono 22,050 Hz float32 in blocks. Memory is flat."""

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shared.audio.audio_stream import AudioStream
from shared.audio.constants import SAMPLE_RATE
from shared.audio.report import DEFAULT_LIMITS, AudioInfo, DecodeLimits, DecodeReport, Told, require_sound
from shared.audio.wav import PreparedWriter, part_path

__all__ = ["AudioInfo", "AudioStream", "DecodeLimits", "DecodeReport", "decode", "decode_to_wav", "probe", "stream"]


def probe(path: Path, limits: DecodeLimits = DEFAULT_LIMITS) -> AudioInfo:
    """What a sound file is, by its content. Raises the AudioErrors of `stream`, except those of its whole length."""
    with AudioStream(path, limits) as opened:
        return opened.info


def stream(path: Path, *, max_seconds: float | None = None) -> AudioStream:
    """Open a recording as an iterator of float32 blocks, (n,), mono, 22,050 Hz. See `AudioStream`."""
    return AudioStream(path, DecodeLimits(max_seconds=max_seconds) if max_seconds else DEFAULT_LIMITS)


def decode(path: Path, limits: DecodeLimits = DEFAULT_LIMITS) -> tuple[npt.NDArray[np.float32], DecodeReport]:
    """A whole recording at once, (samples,), for trusted short files. Raises the AudioErrors of `AudioStream`."""
    with AudioStream(path, limits) as opened:
        blocks = list(opened)
        return np.concatenate(blocks), opened.report()


def decode_to_wav(
    src: Path,
    dst: Path,
    limits: DecodeLimits = DEFAULT_LIMITS,
    *,
    part: Path | None = None,
    told: Told | None = None,
) -> DecodeReport:
    """Decode `src` into a prepared WAV at `dst`, which appears whole or not at all.

    It is written as `part`, beside `dst`, first; `told` is called after each block. Raises the AudioErrors of
    `AudioStream`, and SilentAudio unless `limits` let silence through.
    """
    part = part or part_path(dst)
    try:
        with AudioStream(src, limits) as opened, part.open("wb") as file:
            writer = PreparedWriter(file)
            for block in opened:
                writer.write(block)
                if told is not None:
                    told(_share(opened))
            writer.finish()
            report = opened.report()
        if not limits.silence_too:
            require_sound(report)
        os.replace(part, dst)
    finally:
        part.unlink(missing_ok=True)
    return report


def _share(opened: AudioStream) -> float | None:
    seconds = opened.info.seconds
    return min(1.0, opened.samples / (seconds * SAMPLE_RATE)) if seconds else None
