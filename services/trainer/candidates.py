"""What a selection finds in the library, as columns: light enough for a million slices, sorted by no database."""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from sys import intern
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from services.trainer.selection import Selection, conditions, species_of
from shared.db.tables import Recording, Slice

if TYPE_CHECKING:
    Starts = array[int]
else:
    Starts = array

ROWS_AT_ONCE = 10_000


@dataclass(slots=True)
class Origin:
    """A prepared recording, as the library knows it."""

    id: str
    sha256: str
    audio: str
    samples: int
    prepared_sha256: str | None
    label: str | None
    secondary: list[str]
    source: str
    source_url: str
    xc_id: str | None
    recordist: str
    licence: str
    quality: str | None
    country: str
    locality: str
    latitude: float | None
    longitude: float | None
    recorded_on: date | None
    segmentation: str | None


@dataclass(slots=True)
class Candidate:
    """A recording as one species' example: what a line of the dataset may become."""

    origin: Origin
    label: str
    marked: bool
    """Whether a person marked this species in a recording of another one."""
    slices: Starts
    noise: Starts = field(default_factory=lambda: array("q"))
    group: str = ""
    fold: int = 0

    @property
    def secondary(self) -> list[str]:
        """Other species heard in it; of what is marked in another's recording, that other too."""
        origin = self.origin
        heard = [*origin.secondary, origin.label] if self.marked and origin.label else origin.secondary
        return [name for name in dict.fromkeys(heard) if name != self.label]


_COLUMNS = (
    Recording.id,
    Recording.sha256,
    Recording.prepared_key,
    Recording.prepared_samples,
    Recording.prepared_sha256,
    Recording.label,
    Recording.secondary,
    Recording.source,
    Recording.source_url,
    Recording.xc_id,
    Recording.recordist,
    Recording.licence,
    Recording.quality,
    Recording.country,
    Recording.locality,
    Recording.latitude,
    Recording.longitude,
    Recording.recorded_on,
    Recording.segmentation,
)  # in the order of Origin's fields


def find_candidates(session: Session, selection: Selection) -> list[Candidate]:
    """All that has a slice with signal and passes the filters, sorted by species and content."""
    species = species_of(session, selection)
    where = conditions(session, selection, species)
    signal, noise = _slices(session, where, selection.min_signal_fraction)
    found = []
    for origin in _origins(session, where):
        mine = noise.get(origin.id)
        for label, starts in sorted(signal.get(origin.id, {}).items()):
            of = label or origin.label
            if of is None or (species is not None and of not in species):
                continue
            one = Candidate(origin, of, of != origin.label, _in_order(starts))
            if mine is not None:
                # Once per recording, however many species were marked in it.
                one.noise, mine = _in_order(mine), None
            found.append(one)
    return sorted(found, key=lambda one: (one.label, one.origin.sha256))


def _origins(session: Session, where: list[ColumnElement[bool]]) -> Iterator[Origin]:
    query = select(*_COLUMNS).where(*where).execution_options(yield_per=ROWS_AT_ONCE)
    for row in session.execute(query):
        # Few names, in many rows: each is kept once.
        values: list[Any] = [intern(value) if type(value) is str and len(value) < 32 else value for value in row]
        yield Origin(*values)


def _slices(
    session: Session, where: list[ColumnElement[bool]], min_signal_fraction: float
) -> tuple[dict[str, dict[str, Starts]], dict[str, Starts]]:
    """Start samples of the slices with signal by recording and label, and of those with noise by recording."""
    query: Any = select(Slice.recording_id, Slice.kind, Slice.label, Slice.start).join(Recording).where(*where)
    if min_signal_fraction:
        query = query.where(or_(Slice.kind == "noise", Slice.signal_fraction >= min_signal_fraction))
    signal: dict[str, dict[str, Starts]] = {}
    noise: dict[str, Starts] = defaultdict(lambda: array("q"))
    for recording_id, kind, label, start in session.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
        if kind == "noise":
            noise[recording_id].append(start)
        else:
            signal.setdefault(recording_id, {}).setdefault(intern(label), array("q")).append(start)
    return signal, dict(noise)


def _in_order(starts: Starts) -> Starts:
    return array("q", sorted(starts))
