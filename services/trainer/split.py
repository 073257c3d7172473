"""Who is tested on whom: folds of whole groups, so that no one's microphone and garden stand on both sides."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.trainer.frozen_dataset import Recording

ASIDE = 6
"""Into how many parts the training side is cut to keep one aside."""


def assign_folds(labels: Sequence[str], groups: Sequence[str], k: int, seed: int) -> list[int]:
    """A fold 0..k-1 for each recording, classes spread evenly, a group never in two folds.

    The largest groups come first, equals in an order that the seed shuffles, and each goes where its species are
    rarest so far. Where there are fewer groups than `k`, or no class with `k` recordings, there are fewer folds. The
    result depends on the arguments alone, not on a library's version, and takes time in proportion to their length.
    """
    totals = Counter(labels)
    members: dict[str, Counter[str]] = {}
    for label, group in zip(labels, groups, strict=True):
        members.setdefault(group, Counter())[label] += 1
    folds = min(k, len(members), max(totals.values(), default=0))
    if folds < 2:
        return [0] * len(labels)
    counts: list[Counter[str]] = [Counter() for _ in range(folds)]
    sizes = [0] * folds
    place: dict[str, int] = {}
    for group in sorted(members, key=lambda name: (-members[name].total(), _shuffled(name, seed))):
        mine = sorted(members[group].items())
        # By how much the sum of the squares of each class's shares would grow: it is least where shares are even.
        costs = [sum(n * (2 * count[label] + n) / totals[label] ** 2 for label, n in mine) for count in counts]
        best = min(range(folds), key=lambda fold: (costs[fold], sizes[fold], fold))
        place[group] = best
        counts[best].update(members[group])
        sizes[best] += members[group].total()
    return [place[group] for group in groups]


def _shuffled(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\n{name}".encode()).digest()


@dataclass(frozen=True)
class Split:
    """Positions in the dataset's list of recordings."""

    train: list[int]
    test: list[int]
    warnings: list[str]


def held_out(recordings: Sequence[Recording], fold: int, *, every_class: bool) -> Split:
    """Train without one fold, test on it; only recordings with slices take part.

    A class whose recordings all lie in the fold cannot be learnt without them, nor tested. With `every_class` (a model
    that will be used) they train, together with all else of their groups, so that none of these is on both sides;
    otherwise (a model that is only measured) they are left out. Either way a warning names the class.
    """
    usable = [i for i, recording in enumerate(recordings) if recording.slices]
    train = [i for i in usable if recordings[i].fold != fold]
    test = [i for i in usable if recordings[i].fold == fold]
    learnt = {recordings[i].label for i in train}
    stranded = sorted({recordings[i].label for i in test} - learnt)
    if not stranded:
        return Split(train, test, [])
    if every_class:
        tied = {_group(recordings[i]) for i in test if recordings[i].label in stranded} - {None, ""}
        kept = [i for i in test if recordings[i].label in stranded or _group(recordings[i]) in tied]
        train = sorted(train + kept)
        test = [i for i in test if i not in set(kept)]
    else:
        test = [i for i in test if recordings[i].label not in stranded]
    names = ", ".join(stranded)
    return Split(
        train, test, [f"Too few recordings or recordists to test these species; they are only trained on: {names}."]
    )


def everything(recordings: Sequence[Recording]) -> Split:
    """All recordings with slices train, none test."""
    return Split([i for i, recording in enumerate(recordings) if recording.slices], [], [])


def set_aside(recordings: Sequence[Recording], split: Split, seed: int) -> tuple[Split, list[int]]:
    """The split with about a sixth less to train on, and that sixth: whole groups, no species' last ones.

    Where there are few groups it is more or less. It is empty, with a warning, where nothing can be spared.
    """
    mine = [recordings[i] for i in split.train]
    folds = assign_folds([r.label for r in mine], [_group(r) or r.sha256 for r in mine], ASIDE, seed)
    sizes = Counter(folds)
    nearest = min(sizes, key=lambda fold: (abs(ASIDE * sizes[fold] - len(mine)), fold))
    parts = held_out(
        [r.model_copy(update={"fold": fold}) for r, fold in zip(mine, folds, strict=True)], nearest, every_class=True
    )
    if len(sizes) < 2 or not parts.test or not parts.train:
        warning = "Too few recordists to keep some aside, so no epoch could be chosen: patience had no effect."
        return Split(split.train, split.test, [*split.warnings, warning]), []
    train, aside = ([split.train[place] for place in part] for part in (parts.train, parts.test))
    return Split(train, split.test, split.warnings), aside


def _group(recording: Recording) -> str | None:
    """Of a dataset of format 1, which has no groups, the recordist."""
    return recording.group or recording.recordist
