"""Files for what is cut out of a recording: at its own rate, with all its channels, without loss up to 24 bits."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import soundfile

from shared.audio.readers import Block
from shared.audio.report import AudioInfo
from shared.audio.wav import part_path, to_pcm16

MOST_FLAC_CHANNELS = 8
_WIDE = re.compile(r"pcm_[sf]?(24|32|64)(le|be)?|float|double")
_LONGEST_TEXT = 1_000


class CutFile:
    """A sound file that appears under its name whole or not at all.

    Args:
        info: of the recording: its rate, its channels, and whether its samples have more than 16 bits.
        tags: by their names in libsndfile (`title`, `artist`); empty ones are left out.
    """

    def __init__(self, path: Path, info: AudioInfo, kind: Literal["wav", "flac"], tags: Mapping[str, str]) -> None:
        self._path, self._part = path, part_path(path)
        self._wide = _WIDE.fullmatch(info.codec) is not None
        self._frames = 0
        self._sound = soundfile.SoundFile(
            self._part,
            "w",
            samplerate=info.sample_rate,
            channels=info.channels,
            format=kind.upper(),
            subtype="PCM_24" if self._wide else "PCM_16",
        )
        for name, text in tags.items():
            if text:
                setattr(self._sound, name, text[:_LONGEST_TEXT])

    def write(self, samples: Block) -> None:
        """The next ones: float32, (frames, channels), -1..1."""
        self._sound.write(_to_pcm24(samples) if self._wide else to_pcm16(np.nan_to_num(samples)))
        self._frames += len(samples)

    def finish(self) -> bool:
        """False where there was nothing to write: a detection behind the end of a file that has changed."""
        self._sound.close()
        if self._frames:
            os.replace(self._part, self._path)
        else:
            self._part.unlink()
        return self._frames > 0

    def discard(self) -> None:
        self._sound.close()
        self._part.unlink(missing_ok=True)


def _to_pcm24(samples: Block) -> npt.NDArray[Any]:
    """As libsndfile wants 24 bits: the upper ones of 32."""
    scaled = np.rint(np.nan_to_num(samples).astype(np.float64) * (1 << 23))
    return np.clip(scaled, -(1 << 23), (1 << 23) - 1).astype(np.int32) << 8
