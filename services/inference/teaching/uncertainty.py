"""Which passages of a recording are worth a person's question, by what was detected in it. Pure: no database here."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import nlargest

from services.inference.schemas import Detection

MOST = 20
"""Of one recording."""
LEAST_SECONDS = 0.1
MOST_SECONDS = 60.0
"""What was joined to more than that is no question that somebody answers by listening once."""
SAME = 0.5
"""The share of the shorter of two that they must have in common to be one passage."""


@dataclass(slots=True)
class Passage:
    """A detection that no stronger one covers, and the best detection of each other species there, the surest first."""

    detection: Detection
    others: list[Detection] = field(default_factory=list)

    @property
    def uncertainty(self) -> float:
        """0..1: how little lies between the first guess and the second, be that another species or nobody.

        Margin sampling (Scheffer, Decomain and Wrobel 2001, *Active Hidden Markov Models for Information Extraction*).
        """
        first = self.detection.confidence
        second = max(1 - first, self.others[0].confidence if self.others else 0.0)
        return round(1 - abs(first - second), 4)


def most_uncertain(detections: Iterable[Detection]) -> list[Passage]:
    """At most `MOST` passages of one recording, the most uncertain first."""
    asked = [one for one in detections if LEAST_SECONDS <= one.end - one.start <= MOST_SECONDS]
    return nlargest(MOST, passages(asked), key=lambda one: one.uncertainty)


def passages(detections: Iterable[Detection]) -> list[Passage]:
    """Non-maximum suppression: what overlaps a stronger detection by half of the shorter, at least, is no passage.

    It is one of the `others` of the stronger one, unless of its species. In order of time.
    """
    kept: list[tuple[float, int, Passage]] = []
    longest = 0.0
    strongest_first = sorted(detections, key=lambda one: (-one.confidence, one.start, one.species))
    for number, one in enumerate(strongest_first):
        near = kept[bisect_left(kept, (one.start - longest,)) : bisect_left(kept, (one.end,))]
        covering = [passage for _, _, passage in near if _same(passage.detection, one)]
        for passage in covering:
            _add(passage, one)
        if not covering:
            insort(kept, (one.start, number, Passage(one)))
            longest = max(longest, one.end - one.start)
    return [passage for _, _, passage in kept]


def _same(one: Detection, other: Detection) -> bool:
    common = min(one.end, other.end) - max(one.start, other.start)
    return common > 0 and common >= SAME * min(one.end - one.start, other.end - other.start)


def _add(passage: Passage, weaker: Detection) -> None:
    """They come the surest first, so the first of a species is its best."""
    if weaker.species not in {one.species for one in (passage.detection, *passage.others)}:
        passage.others.append(weaker)
