"""Windows in which one species is heard one after the other become one detection."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.inference.results.model import MergedDetection
from services.inference.schemas import Detection

# Times are rounded to milliseconds before they come here.
_ROUNDING = 1e-6


@dataclass
class _Open:
    start: float
    end: float
    best: Detection
    windows: int = 1

    def closed(self) -> MergedDetection:
        fields = self.best.model_dump() | {"start": self.start, "end": self.end}
        return MergedDetection(**fields, windows=self.windows)


def merged(detections: Iterable[Detection], gap: float = 0.0) -> Iterator[MergedDetection]:
    """Detections in order of their starts, those of a species that overlap, touch or are `gap` seconds apart as one.

    Confidence is the highest of the windows, and `windows` counts them. They come in order of their starts, each as
    soon as no other can belong to it or come before it: what is kept is what began since the oldest that goes on.

    Raises ValueError when the detections are not in order or the gap is negative.
    """
    if not gap >= 0:
        raise ValueError(f"a gap of {gap} s")
    reach = gap + _ROUNDING
    waiting: deque[_Open] = deque()
    latest: dict[str, _Open] = {}
    now = 0.0
    for one in detections:
        if one.start < now:
            raise ValueError(f"a detection at {one.start} s comes after one at {now} s")
        now = one.start
        while waiting and waiting[0].end + reach < now:
            yield _taken(waiting, latest)
        span = latest.get(one.species)
        if span is None or span.end + reach < now:
            latest[one.species] = span = _Open(one.start, one.end, one)
            waiting.append(span)
            continue
        span.end = max(span.end, one.end)
        span.windows += 1
        if one.confidence > span.best.confidence:
            span.best = one
    while waiting:
        yield _taken(waiting, latest)


def one_by_one(detections: Iterable[Detection]) -> Iterator[MergedDetection]:
    """The same detections, each of its own window."""
    return (MergedDetection(**one.model_dump()) for one in detections)


def _taken(waiting: deque[_Open], latest: dict[str, _Open]) -> MergedDetection:
    span = waiting.popleft()
    if latest.get(span.best.species) is span:
        del latest[span.best.species]
    return span.closed()
