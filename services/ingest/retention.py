"""Retention: prepared audio that was not used for long makes room; whoever needs it again makes it anew."""

from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np
from pydantic import BaseModel
from sqlalchemy import select

from shared.db.engine import SyncSessions
from shared.db.tables import Recording
from shared.storage import Entry, sha256_in
from shared.worker import JobContext

PREPARED = "prepared"
AT_ONCE = 500
Value = TypeVar("Value")


class Pruned(BaseModel):
    """What a pruning did, in bytes."""

    removed: int
    freed_bytes: int
    kept_bytes: int


def prune(context: JobContext) -> None:
    """Removes prepared audio, the least recently used first, until it takes no more than `max_bytes`.

    Originals, datasets and models stay, and so does what a job is preparing now. Safe to run again.
    """
    used_at, sizes = array("d"), array("q")
    for entry in context.storage.entries(PREPARED):
        context.check()
        used_at.append(entry.used_at)
        sizes.append(entry.size)
    total = sum(sizes)
    excess = total - int(context.payload["max_bytes"])
    removed = freed = 0
    if excess > 0:
        last = _last_to_go(used_at, sizes, excess)
        old = (entry for entry in context.storage.entries(PREPARED) if entry.used_at <= last)
        for entry in _whole(context.sessions, old):
            context.progress(freed, excess, "removing prepared audio that was not used for long")
            context.storage.delete(entry.key)
            removed, freed = removed + 1, freed + entry.size
            if freed >= excess:
                break
    result = Pruned(removed=removed, freed_bytes=freed, kept_bytes=total - freed)
    with context.completion(result.model_dump()):
        pass


def _last_to_go(used_at: "array[float]", sizes: "array[int]", excess: int) -> float:
    """When the youngest of the oldest that together are `excess` bytes was used."""
    order = np.argsort(np.asarray(used_at), kind="stable")
    position = int(np.searchsorted(np.cumsum(np.asarray(sizes)[order]), excess))
    return float(used_at[int(order[min(position, len(order) - 1)])])


def _whole(sessions: SyncSessions, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Those whose recording knows of them: a file is named in its row when the job that makes it has ended."""
    for part in in_parts(entries):
        hashes = [sha256_in(entry.key) for entry in part]
        with sessions() as session:
            known = set(session.scalars(select(Recording.prepared_key).where(Recording.sha256.in_(hashes))))
        yield from (entry for entry in part if entry.key in known)


def in_parts(values: Iterable[Value], size: int = AT_ONCE) -> Iterator[list[Value]]:
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part
