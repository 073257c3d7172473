"""What must stay on one side of a split: recordings of one person, of one source recording, of one sound."""

import unicodedata
from collections.abc import Iterator, Sequence

from services.trainer.candidates import Candidate
from shared.errors import ChiffchaffError


class SplitLeaks(ChiffchaffError):
    code = "split-leaks"
    title = "The split of the dataset is not clean"


def person(recordist: str | None) -> str:
    """A name without what people write differently: capitals, spaces, composed letters. Empty for nobody."""
    return " ".join(unicodedata.normalize("NFKC", recordist or "").split()).casefold()


def assign_groups(candidates: Sequence[Candidate]) -> None:
    """Names for each candidate the group it belongs to, by the smallest sha256 in it.

    Two belong together when they share the recordist, the number on Xeno-canto (several clips of one recording), the
    prepared sound (the same in two formats) or the file (or are excerpts of it), and when a third belongs to both.
    """
    parents = list(range(len(candidates)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, one in enumerate(candidates):
        for key in _ties(one):
            parents[root(index)] = root(first.setdefault(key, index))
    names: dict[int, str] = {}
    for index, one in enumerate(candidates):
        top = root(index)
        names[top] = min(names.get(top, one.origin.sha256), one.origin.sha256)
    for index, one in enumerate(candidates):
        one.group = names[root(index)]


def check_leaks(candidates: Sequence[Candidate]) -> None:
    """Looks once more, at the result and not at how it was made.

    Raises:
        SplitLeaks: when two folds share a group, a recordist, a file, a sound or a number on Xeno-canto.
    """
    folds: dict[tuple[str, str], int] = {}
    for one in candidates:
        for key in (("group", one.group), *_ties(one)):
            if folds.setdefault(key, one.fold) != one.fold:
                kind, value = key
                raise SplitLeaks(
                    f"Folds {folds[key] + 1} and {one.fold + 1} share the {kind} {value!r}.",
                    hint="This is a fault of the program; report it with the selection that you asked for.",
                )


def _ties(one: Candidate) -> Iterator[tuple[str, str]]:
    origin = one.origin
    yield "file", origin.sha256
    if origin.excerpt_of:
        yield "file", origin.excerpt_of
    if name := person(origin.recordist):
        yield "recordist", name
    if origin.prepared_sha256:
        yield "sound", origin.prepared_sha256
    if origin.xc_id:
        yield "Xeno-canto number", origin.xc_id
