"""Which of the candidates a dataset takes: no sound twice, and between the least and the most of each species.

What is chosen follows from the recordings alone, never from the order in which they came into the library.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence

from services.trainer.candidates import Candidate, Starts
from services.trainer.selection import Selection

UNRATED = "F"
"""After E: nobody said that it is good."""
NAMED = 5


def without_copies(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[str]]:
    """One of each sound of a species, and warnings: what was left out, and which sounds have two names.

    Which name is right only a person can say: these all stay, and being of one group they are on one side.
    """
    kept: dict[tuple[str, str], Candidate] = {}
    names: dict[str, set[str]] = defaultdict(set)
    for one in candidates:
        sound = one.origin.prepared_sha256 or f"file {one.origin.sha256}"
        if not one.marked:
            names[sound].add(one.label)
        known = kept.setdefault((sound, one.label), one)
        if (known.marked, known.origin.sha256) > (one.marked, one.origin.sha256):
            kept[sound, one.label] = one
    chosen = set(map(id, kept.values()))
    warnings = []
    if copies := len(candidates) - len(chosen):
        warnings.append(f"{copies} recordings sound the same as another one of their species; one of each is taken.")
    if doubtful := sorted(" or ".join(sorted(both)) for both in names.values() if len(both) > 1):
        some = "; ".join(doubtful[:NAMED]) + ("; ..." if len(doubtful) > NAMED else "")
        warnings.append(f"{len(doubtful)} sounds are there as two species, so one of the two is wrong: {some}.")
    return [one for one in candidates if id(one) in chosen], warnings


def within_limits(candidates: Sequence[Candidate], selection: Selection) -> list[Candidate]:
    """The species that have enough, each with at most as much as the selection wants, in the order given."""
    by_label: dict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        by_label[one.label].append(one)
    chosen: list[Candidate] = []
    for mine in by_label.values():
        if mine[0].background:
            chosen += _best_first(mine)[: selection.max_recordings]
            continue
        enough = sum(len(one.slices) for one in mine) >= selection.min_slices
        if enough and len(mine) >= selection.min_recordings:
            chosen += _capped(mine, selection)
    return chosen


def _capped(mine: list[Candidate], selection: Selection) -> list[Candidate]:
    ranked = _best_first(mine)[: selection.max_recordings]
    per_recording = selection.max_slices_per_recording
    counts = [min(len(one.slices), per_recording or len(one.slices)) for one in ranked]
    if selection.max_slices is not None:
        counts = shared_out(counts, selection.max_slices)
    for one, count in zip(ranked, counts, strict=True):
        one.slices = spread(one.slices, count)
    taken = {id(one) for one, count in zip(ranked, counts, strict=True) if count}
    return [one for one in mine if id(one) in taken]


def _best_first(mine: list[Candidate]) -> list[Candidate]:
    """By quality; among equals, those first of whose group the fewest came before; then by content."""
    rated = sorted(mine, key=lambda one: (one.origin.quality or UNRATED, one.origin.sha256))
    before: Counter[str] = Counter()
    keys = {}
    for one in rated:
        keys[id(one)] = one.origin.quality or UNRATED, before[one.group], one.origin.sha256
        before[one.group] += 1
    return sorted(rated, key=lambda one: keys[id(one)])


def shared_out(counts: Sequence[int], most: int) -> list[int]:
    """At most `most` in all, as evenly as the counts allow; what does not divide goes to the first."""
    if sum(counts) <= most:
        return list(counts)
    low, high = 0, most
    while low < high:
        level = (low + high + 1) // 2
        if sum(min(count, level) for count in counts) <= most:
            low = level
        else:
            high = level - 1
    shares = [min(count, low) for count in counts]
    left = most - sum(shares)
    for index, count in enumerate(counts):
        if left and count > low:
            shares[index] += 1
            left -= 1
    return shares


def spread(starts: Starts, count: int) -> Starts:
    """So many of the starts, from all over them."""
    total = len(starts)
    return array("q", [starts[(2 * i + 1) * total // (2 * count)] for i in range(count)])
