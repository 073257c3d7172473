"""Detections of overlapping windows joined: one song, one detection."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import count

from services.inference.schemas import Detection

TIE = 1e-6
"""Seconds by which times of windows that touch may differ, having been rounded."""


def merged(detections: Iterable[Detection], gap: float = 0.0) -> Iterator[Detection]:
    """Joins those of one species that overlap, touch, or are at most `gap` seconds apart; in order of their start.

    `detections` come in order of their start too. The joined one reaches from the first start to the last end, is as
    sure as the surest, and known where any of them was. Kept in memory is only what may still grow, and what must wait
    for that: not the recording.
    """
    growing: dict[str, tuple[int, Detection]] = {}
    waiting: list[tuple[float, int, Detection]] = []
    numbers = count()
    for detection in detections:
        ended = [name for name, (_, one) in growing.items() if one.end + gap + TIE < detection.start]
        for name in ended:
            _wait(waiting, *growing.pop(name))
        number, before = growing.get(detection.species, (-1, None))
        if before is None:
            growing[detection.species] = next(numbers), detection
        else:
            growing[detection.species] = number, _joined(before, detection)
        first = min(one.start for _, one in growing.values())
        while waiting and waiting[0][0] < first:
            yield heapq.heappop(waiting)[2]
    for number, one in growing.values():
        _wait(waiting, number, one)
    while waiting:
        yield heapq.heappop(waiting)[2]


def _wait(waiting: list[tuple[float, int, Detection]], number: int, one: Detection) -> None:
    heapq.heappush(waiting, (one.start, number, one))


def _joined(first: Detection, second: Detection) -> Detection:
    known = None if first.known is None and second.known is None else bool(first.known or second.known)
    return first.model_copy(
        update={
            "end": max(first.end, second.end),
            "confidence": max(first.confidence, second.confidence),
            "known": known,
            "windows": first.windows + second.windows,
        }
    )
