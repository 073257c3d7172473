"""Which recordings are to be heard: those among the given files and below the given folders."""

import os
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.ingest.marked import annotation_files
from shared.errors import InvalidInput
from shared.walk import Entered, LeftOut, is_recording, walk

KEPT = ".chiffchaff"
SNIPPETS = "snippets"
"""Below a folder that holds `.chiffchaff`, they are what was cut out of recordings that are heard themselves."""
LOOKING_SECONDS = 10.0


@dataclass(frozen=True)
class Recording:
    """A file to be heard; `name` is its path as a person gave it, `path` the whole one."""

    path: Path
    name: str
    size: int
    modified_ns: int


@dataclass
class Search:
    """`skipped` counts what is no recording; `left_out` names what might be one and cannot be reached."""

    recordings: list[Recording] = field(default_factory=list)
    skipped: int = 0
    left_out: list[LeftOut] = field(default_factory=list)


def search(paths: Sequence[Path]) -> Search:
    """The recordings in files and, at any depth, folders: each once, in order of their paths.

    A file that is named itself is always one, to be told what is wrong with it; of others, those whose name or content
    says so. Hidden files, and cut-out snippets of earlier analyses, are left out.

    Raises InvalidInput where there is no such file or folder.
    """
    result = Search()
    found: dict[Path, Recording] = {}
    for given in paths:
        if given.is_dir():
            below = _below(given, result)
        elif given.exists():
            below = iter([_recording(given.parent.resolve() / given.name, str(given))])
        else:
            raise InvalidInput(f"There is no file or folder {given}.", hint="Is the disk with the recordings there?")
        for one in below:
            found.setdefault(one.path, one)
    result.recordings = sorted(found.values(), key=lambda one: one.path.parts)
    return result


def _below(folder: Path, result: Search) -> Iterator[Recording]:
    root = folder.resolve()
    cut_out: tuple[str, ...] | None = None
    for found in walk(root, None, annotation_files):
        if isinstance(found, LeftOut):
            result.left_out.append(found)
            continue
        if cut_out is not None and found.parts[: len(cut_out)] == cut_out:
            continue
        if isinstance(found, Entered):
            at = root.joinpath(*found.parts)
            if found.parts and at.name == SNIPPETS and (at.parent / KEPT).is_dir():
                cut_out = found.parts
        elif is_recording(found.path):
            yield Recording(
                found.path, str(folder.joinpath(*found.parts)), found.version.size, found.version.modified_ns
            )
        else:
            result.skipped += 1


def _recording(path: Path, name: str) -> Recording:
    status = path.stat()
    return Recording(path, name, status.st_size, status.st_mtime_ns)


def lengths(recordings: Iterable[Recording]) -> list[float] | None:
    """Seconds of each as its header says; None where one does not say it, or looking takes too long (a slow disk)."""
    give_up = time.monotonic() + LOOKING_SECONDS
    found = []
    for recording in recordings:
        seconds = seconds_in_header(recording.path)
        if seconds is None or time.monotonic() > give_up:
            return None
        found.append(seconds)
    return found


def seconds_in_header(path: Path) -> float | None:
    """Of a WAV or FLAC file, as it says itself; for a progress bar. No codec is used and nothing is trusted."""
    try:
        with path.open("rb") as file:
            head = file.read(65_536)
    except OSError:
        return None
    if head[:4] == b"fLaC" and len(head) >= 26:
        packed = int.from_bytes(head[18:26], "big")
        rate, samples = packed >> 44, packed & ((1 << 36) - 1)
        return samples / rate if rate and samples else None
    at = head.find(b"fmt ", 12)
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE" and 0 < at <= len(head) - 20:
        (bytes_a_second,) = struct.unpack_from("<I", head, at + 16)
        return path.stat().st_size / bytes_a_second if bytes_a_second else None
    return None


def common_folder(recordings: Sequence[Recording]) -> Path:
    """The deepest folder that all of them lie in."""
    return Path(os.path.commonpath([one.path.parent for one in recordings]))
