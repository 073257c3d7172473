"""Detections cut out of their recording, to listen to, to check, to share: at the original rate, with all channels."""

import math
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import soundfile

from services.inference.results.model import About, MergedDetection, RecordingResult
from services.inference.results.names import name_of_recording, safe_name
from services.inference.results.text import either
from shared.audio.original import cut_out
from shared.audio.readers import Block
from shared.audio.report import AudioInfo
from shared.audio.wav import part_path, to_pcm16
from shared.errors import InvalidInput

MOST_PADDING = 30.0
LONGEST_SECONDS = 600.0
"""Of a detection that goes on for longer, so much from its start is cut out."""

_MOST_FLAC_CHANNELS = 8
_WIDE = re.compile(r"pcm_[sf]?(24|32|64)(le|be)?|float|double")
_LONGEST_TEXT = 1_000


class Snippet(NamedTuple):
    """A file that was written; `start` and `end` are its seconds in the recording."""

    path: Path
    detection: MergedDetection
    start: float
    end: float


def extract(
    source: Path,
    result: RecordingResult,
    about: About,
    folder: Path,
    *,
    padding: float = 0.0,
    kind: Literal["wav", "flac"] = "wav",
    recordist: str = "",
    licence: str = "",
) -> Iterator[Snippet]:
    """Writes each detection of `result` from the recording at `source` into `folder`, and gives it once it is whole.

    `padding` seconds are added on both sides, as far as the recording goes. Samples are the original's, bit by bit,
    where it has 16 or 24; others are rounded to 16, or to 24 where they were more. Files are named after the recording,
    the time within it, the species and the confidence, so they sort by time; a second extraction overwrites the first.
    Memory does not grow with the recording. See `cut_out` about files that are not to be trusted.

    The files say in their WAV INFO or FLAC tags: species (title), recordist (artist), licence (copyright, in FLAC also
    license), time (date), and in the comment where it comes from and who says so.

    Raises InvalidInput, and while iterating OSError and what `cut_out` raises.
    """
    if not 0 <= padding <= MOST_PADDING:
        raise InvalidInput(f"padding: {padding:g} s is not supported.", hint=f"Use 0 to {MOST_PADDING:g} s.")
    detections = sorted(result.detections, key=lambda one: one.start)
    stretches = [_stretch(one, padding, result.seconds) for one in detections]
    if not detections:
        return iter(())
    info, pieces = cut_out(source, stretches, whole=not result.warnings)
    if kind == "flac" and info.channels > _MOST_FLAC_CHANNELS:
        pieces.close()
        raise InvalidInput(f"FLAC cannot hold {info.channels} channels.", hint="Extract WAV files.")
    shared_tags = {"artist": recordist, "copyright": licence, "software": f"Chiffchaff {about.software_version}"}
    if kind == "flac":
        shared_tags["license"] = licence

    def written() -> Iterator[Snippet]:
        being_written: dict[int, _File] = {}
        with ExitStack() as stack:
            stack.callback(pieces.close)
            stack.callback(lambda: [file.discard() for file in being_written.values()])
            for index, samples, last in pieces:
                one, (start, end) = detections[index], stretches[index]
                if index not in being_written:
                    path = folder / f"{name_of_recording(result.file)}_{_name(one)}.{kind}"
                    tags = shared_tags | _tags(one, start, end, result, about)
                    being_written[index] = _File(path, info, kind, tags)
                being_written[index].write(samples)
                if last and being_written.pop(index).finish():
                    yield Snippet(
                        path=folder / f"{name_of_recording(result.file)}_{_name(one)}.{kind}",
                        detection=one,
                        start=start,
                        end=end,
                    )

    return written()


class _File:
    """A sound file that appears under its name whole or not at all."""

    def __init__(self, path: Path, info: AudioInfo, kind: str, tags: dict[str, str]) -> None:
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


def _stretch(one: MergedDetection, padding: float, seconds: float) -> tuple[float, float]:
    end = min(one.end, one.start + LONGEST_SECONDS)
    return max(0.0, one.start - padding), min(seconds, end + padding)


def _name(one: MergedDetection) -> str:
    milliseconds = math.floor(one.start * 1_000 + 0.5)
    return f"{milliseconds // 1_000:06d}.{milliseconds % 1_000:03d}s_{safe_name(one.species)}_{one.confidence:.2f}"


def _tags(one: MergedDetection, start: float, end: float, result: RecordingResult, about: About) -> dict[str, str]:
    common = f" ({one.common_name})" if one.common_name else ""
    moment = either(result.moment(start))
    comment = (
        f"{one.species}{common}, confidence {one.confidence:.4f}, at {one.start:.3f} to {one.end:.3f} s of {result.file}; "
        f"this file begins at {start:.3f} s{f', {moment}' if moment else ''} and ends at {end:.3f} s. "
        f"Said by the model {about.model.name} {about.model.version}, analysis {about.id}."
    )
    return {"title": f"{one.species}{common}", "date": moment, "comment": comment}
