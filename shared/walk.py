"""Walking a folder in order, however many files it holds: only names of the directories above are in memory."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from shared.audio.formats import identify, is_audio_name
from shared.errors import AudioError

UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".!ut", "~")
Parts = tuple[str, ...]
Beside = Callable[[Sequence[str]], Mapping[str, Sequence[str]]]
"""Of the names in one directory: those that belong to another one, by the name of that."""


class Version(NamedTuple):
    """Which content a file had when it was listed: replaced, grown and rewritten files have another."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Version":
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class LeftOut:
    """What a source holds and what is not taken in: `skipped` is no failure, `refused` is one."""

    name: str
    outcome: Literal["skipped", "refused"]
    code: str
    reason: str
    label: str | None = None


@dataclass(frozen=True)
class Found:
    """A regular file. `parts` is its path inside the folder, as the file system spells it."""

    where: str
    parts: Parts
    version: Version
    beside: Sequence[str]
    """Names of the files beside it that belong to it; they are not found for themselves."""

    @property
    def path(self) -> Path:
        return Path(self.where)

    @property
    def name(self) -> str:
        return _name(self.parts)


@dataclass(frozen=True)
class Entered:
    """A directory, before what it holds."""

    parts: Parts


@dataclass(frozen=True, slots=True)
class _Entry:
    where: str
    parts: Parts
    beside: Sequence[str]


def nothing_beside(names: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Each file stands for itself."""
    return {}


def walk(root: Path, within: Path | None, beside: Beside = nothing_beside) -> Iterator[Found | Entered | LeftOut]:
    """Every visible file and directory below `root` in the order of their names; what cannot be read as LeftOut.

    A link is followed to what lies below `within` (anywhere where that is None), but to no directory that is read
    anyway. `root` and `within` have no links in them.
    """
    entered: set[tuple[int, int]] = set()
    stack: list[Iterator[_Entry]] = [iter([_Entry(os.fspath(root), (), ())])]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            continue
        try:
            status = _status(entry.where, root, within)
            if isinstance(status, str):
                yield _left_out(entry, "link-not-followed", status)
            elif stat.S_ISREG(status.st_mode):
                yield Found(entry.where, entry.parts, Version.of(status), entry.beside)
            elif not stat.S_ISDIR(status.st_mode):
                yield _left_out(entry, "not-a-recording", "It is neither a file nor a folder.")
            elif (identity := (status.st_dev, status.st_ino)) in entered:
                yield _left_out(entry, "link-not-followed", "It leads to a folder that is read already.")
            else:
                entered.add(identity)
                below = _below(entry, _names(entry.where), beside)
                yield Entered(entry.parts)
                stack.append(below)
        except OSError as error:
            reason = f"It cannot be read: {error.strerror}."
            yield LeftOut(_name(entry.parts), "refused", "unreadable-file", reason)


def is_recording(path: Path) -> bool:
    """Whether its name or its content says so; what its name calls unfinished is none yet."""
    name = path.name.lower()
    if name.endswith(UNFINISHED):
        return False
    if is_audio_name(name):
        return True
    try:
        identify(path)
    except (AudioError, OSError):
        return False
    return True


def shown(name: str) -> str:
    r"""A name that can be stored and printed: bytes that are no UTF-8 stand as `\xe4`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _name(parts: Parts) -> str:
    return shown("/".join(parts)) or "."


def _left_out(entry: _Entry, code: str, reason: str) -> LeftOut:
    return LeftOut(_name(entry.parts), "skipped", code, reason)


def _status(where: str, root: Path, within: Path | None) -> os.stat_result | str:
    """What lies there, or why its link is not followed."""
    status = os.lstat(where)
    if not stat.S_ISLNK(status.st_mode):
        return status
    target = Path(os.path.realpath(where, strict=True))
    if within is not None and not target.is_relative_to(within):
        return "It is a link that leads out of the library directory."
    status = target.stat()
    if stat.S_ISDIR(status.st_mode) and (target.is_relative_to(root) or root.is_relative_to(target)):
        return "It is a link to a folder that is read anyway, or that holds the one that is read."
    return status


def _names(where: str) -> list[str]:
    with os.scandir(where) as entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith("."))


def _below(folder: _Entry, names: Sequence[str], beside: Beside) -> Iterator[_Entry]:
    belonging = beside(names)
    taken = {name for files in belonging.values() for name in files}
    where = folder.where
    return (
        _Entry(f"{where}/{name}", (*folder.parts, name), belonging.get(name, ())) for name in names if name not in taken
    )
