"""What a selection finds in the library, as columns: light enough for a million slices, sorted by no database."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from sys import intern
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from services.trainer.frozen_dataset import Span
from services.trainer.selection import Selection, conditions, species_of
from shared.audio.constants import SAMPLE_RATE
from shared.db.tables import Recording, Section, Slice

if TYPE_CHECKING:
    Starts = array[int]
else:
    Starts = array

ROWS_AT_ONCE = 10_000
MIN_NOISE_SAMPLES = SAMPLE_RATE // 2
"""A shorter piece of noise, repeated until it fills a window, would hum."""


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
    excerpt_of: str | None


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
    signal_sections: tuple[Span, ...] = ()
    noise_sections: tuple[Span, ...] = ()
    background: bool = False
    """Whether it is no species but noise from end to end."""

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
    Recording.excerpt_of,
)  # in the order of Origin's fields


def find_candidates(session: Session, selection: Selection) -> list[Candidate]:
    """All that has a slice with signal and passes the filters, sorted by species and content."""
    species = species_of(session, selection)
    where = conditions(session, selection, species)
    signal, noise = _slices(session, where, selection.min_signal_fraction)
    found = []
    for origin in _origins(session, where):
        mine = noise.get(origin.id)
        if origin.label in selection.background:
            whole = ((0, origin.samples),)
            found.append(Candidate(origin, origin.label, False, array("q"), noise_sections=whole, background=True))
            continue
        for label, starts in sorted(signal.get(origin.id, {}).items()):
            of = label or origin.label
            if of is None or of in selection.background or (species is not None and of not in species):
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


def add_sections(session: Session, selection: Selection, chosen: Sequence[Candidate]) -> None:
    """Notes where exactly each one's species is heard, and, once per recording, where there is mere noise."""
    where = conditions(session, selection, species_of(session, selection))
    wanted: dict[str, list[Candidate]] = defaultdict(list)
    for one in chosen:
        if not one.background:
            wanted[one.origin.id].append(one)
    query: Any = (
        select(Section.recording_id, Section.kind, Section.label, Section.start, Section.end)
        .join(Recording)
        .where(*where)
        .order_by(Section.recording_id, Section.start)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for recording_id, rows in groupby(session.execute(query), key=lambda row: row.recording_id):
        mine = wanted.get(recording_id, [])
        sections = list(rows) if mine else []
        for one in mine:
            labels = {one.label} if one.marked else {one.label, ""}
            one.signal_sections = _joined(
                (s.start, s.end) for s in sections if s.kind == "signal" and s.label in labels
            )
        for one in mine[:1]:
            noise = _joined((s.start, s.end) for s in sections if s.kind == "noise")
            one.noise_sections = tuple((start, end) for start, end in noise if end - start >= MIN_NOISE_SAMPLES)


def _joined(sections: Iterable[Span]) -> tuple[Span, ...]:
    """Sections that are sorted by their start, those that touch or overlap (a person may mark so) as one."""
    joined: list[Span] = []
    for start, end in sections:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def _in_order(starts: Starts) -> Starts:
    return array("q", sorted(starts))
