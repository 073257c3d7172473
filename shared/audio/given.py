"""Sections that a person marked, beside those that a segmentation finds: what becomes signal, noise, or neither."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from shared.audio.constants import SAMPLE_RATE
from shared.audio.slices import MIN_SIGNAL_SECONDS, Kind, Section, Slice, slice_recording

Stretch = tuple[int, int]
"""Samples [start, end)."""

LEAST_SIGNAL = math.ceil(MIN_SIGNAL_SECONDS * SAMPLE_RATE)


@dataclass(frozen=True, slots=True)
class Given:
    """A stretch that a person marked, in seconds; `unknown` holds a bird that nobody could name.

    `label` is empty where the signal is the recording's own species. A mark of a review says something of its stretch
    only; those of a file say all there is.
    """

    start: float
    end: float
    kind: Literal["signal", "noise", "unknown"] = "signal"
    label: str = ""
    review: bool = False


def with_given(samples: int, found: Sequence[Section], given: Iterable[Given]) -> list[Section]:
    """The sections of a recording of so many samples, sorted by start; those of one kind and label do not overlap.

    Where a file marks signal, that is all the signal there is; else it is what was found, without what was marked as
    noise or unknown. Noise is what was found or marked as such and lies in nothing else that was marked. What reviews
    mark counts in their stretches, whatever else is said of these, and changes nothing elsewhere. A signal shorter than
    a slice needs (`MIN_SIGNAL_SECONDS`) is widened to that about its middle, so that a slice holds it.
    """
    marks = list(given)
    of_files = _sorted_out(samples, (one for one in marks if not one.review))
    of_reviews = _sorted_out(samples, (one for one in marks if one.review))
    sections = _by_files(found, of_files) if of_files else list(found)
    return _reviewed(sections, of_reviews) if of_reviews else sections


@dataclass(slots=True)
class _Marked:
    """Marks by what they say; signal by its label."""

    signal: dict[str, list[Stretch]] = field(default_factory=dict)
    noise: list[Stretch] = field(default_factory=list)
    unknown: list[Stretch] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.signal or self.noise or self.unknown)

    def birds(self) -> list[Stretch]:
        """Where somebody sings, known or not."""
        return union([*self.unknown, *(stretch for own in self.signal.values() for stretch in own)])


def _sorted_out(samples: int, marks: Iterable[Given]) -> _Marked:
    sorted_out = _Marked()
    for one in marks:
        stretches = {"noise": sorted_out.noise, "unknown": sorted_out.unknown}.get(one.kind)
        at = _samples(one, samples, LEAST_SIGNAL if stretches is None else 0)
        if at is not None:
            (sorted_out.signal.setdefault(one.label, []) if stretches is None else stretches).append(at)
    return sorted_out


def _by_files(found: Sequence[Section], marked: _Marked) -> list[Section]:
    """They say all there is."""
    unmarked = {"": without(_of_kind(found, "signal"), union([*marked.noise, *marked.unknown]))}
    noise = without(union([*marked.noise, *_of_kind(found, "noise")]), marked.birds())
    return _sections(marked.signal or unmarked, noise)


def _reviewed(sections: Sequence[Section], marked: _Marked) -> list[Section]:
    """They say what is in their stretches; the rest stays."""
    birds = marked.birds()
    taken = union([*birds, *marked.noise])
    signal: dict[str, list[Stretch]] = {}
    for one in sections:
        if one.kind == "signal":
            signal.setdefault(one.label, []).append((one.start, one.end))
    left = {label: without(own, taken) for label, own in signal.items()}
    both = {label: [*left.get(label, []), *marked.signal.get(label, [])] for label in {**left, **marked.signal}}
    noise = [*without(_of_kind(sections, "noise"), taken), *without(union(marked.noise), birds)]
    return _sections(both, union(noise))


def _sections(signal: Mapping[str, Iterable[Stretch]], noise: Iterable[Stretch]) -> list[Section]:
    sections = [Section("signal", *stretch, label) for label, own in signal.items() for stretch in union(own)]
    sections += [Section("noise", *stretch) for stretch in noise]
    return sorted(sections, key=lambda one: (one.start, one.label))


def slice_sections(samples: int, sections: Sequence[Section]) -> list[Slice]:
    """`slice_recording` for each label by itself, in order of time: a window in which two species sing is two slices.

    Noise slices hold no signal of anyone.
    """
    anyone = [Section("signal", *stretch) for stretch in union(_of_kind(sections, "signal"))]
    quiet = [one for one in sections if one.kind == "noise"]
    slices = [one for one in slice_recording(samples, [*anyone, *quiet]) if one.kind == "noise"]
    for label in dict.fromkeys(one.label for one in sections if one.kind == "signal"):
        own = [one for one in sections if one.kind == "signal" and one.label == label]
        slices += [replace(one, label=label) for one in slice_recording(samples, own)]
    return sorted(slices, key=lambda one: (one.start, one.label))


def union(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same samples as sorted stretches that neither overlap nor touch."""
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def without(stretches: Iterable[Stretch], taken: Sequence[Stretch]) -> list[Stretch]:
    """What of the stretches lies in none of those that are taken; both sorted and without overlaps."""
    left: list[Stretch] = []
    first = 0
    for start, end in stretches:
        while first < len(taken) and taken[first][1] <= start:
            first += 1
        at = first
        while at < len(taken) and taken[at][0] < end:
            if start < taken[at][0]:
                left.append((start, taken[at][0]))
            start = max(start, taken[at][1])
            at += 1
        if start < end:
            left.append((start, end))
    return left


def _of_kind(sections: Iterable[Section], kind: Kind) -> list[Stretch]:
    return [(one.start, one.end) for one in sections if one.kind == kind]


def _samples(given: Given, samples: int, least: int) -> Stretch | None:
    """The marked stretch, within the recording and `least` samples long; None where it lies behind the end."""
    start = max(0, math.floor(min(given.start, samples / SAMPLE_RATE) * SAMPLE_RATE))
    end = min(samples, math.ceil(min(given.end, samples / SAMPLE_RATE) * SAMPLE_RATE))
    if start >= end:
        return None
    if (missing := least - (end - start)) > 0:
        start = max(0, min(start - missing // 2, samples - least))
        end = min(samples, start + least)
    return start, end
