"""Who is tested on whom: folds grouped by recordist, so that no one's microphone and garden stand on both sides."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.trainer.frozen_dataset import Recording


def assign_folds(labels: Sequence[str], groups: Sequence[str | None], k: int, seed: int) -> list[int]:
    """A fold 0..k-1 for each recording, classes spread evenly, a group never in two folds.

    `groups` are recordists; an unknown one (`None` or blank) is a group of its own. Where there are fewer groups than
    `k`, or no class with `k` recordings, there are fewer folds.
    """
    # Imported when the first dataset is frozen: it takes over a second, which each start of the API would pay.
    from sklearn.model_selection import StratifiedGroupKFold

    if not labels:
        return []
    known = [group.strip().casefold() if group and group.strip() else f"\0{i}" for i, group in enumerate(groups)]
    folds = min(k, len(set(known)), max(Counter(labels).values()))
    if folds < 2:
        return [0] * len(labels)
    assigned = [0] * len(labels)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Classes with fewer recordings than folds are a matter of course here; `held_out` tells of them.
        warnings.simplefilter("ignore", UserWarning)
        for fold, (_, members) in enumerate(splitter.split(labels, labels, known)):
            for member in members:
                assigned[member] = fold
    return assigned


@dataclass(frozen=True)
class Split:
    """Positions in the dataset's list of recordings."""

    train: list[int]
    test: list[int]
    warnings: list[str]


def held_out(recordings: Sequence[Recording], fold: int, *, every_class: bool) -> Split:
    """Train without one fold, test on it; only recordings with slices take part.

    A class whose recordings all lie in the fold cannot be learnt without them, nor tested. With `every_class` (a model
    that will be used) they train, together with all else of their recordists, so that none of these is on both sides;
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
        people = {recordings[i].recordist for i in test if recordings[i].label in stranded} - {None, ""}
        kept = [i for i in test if recordings[i].label in stranded or recordings[i].recordist in people]
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
