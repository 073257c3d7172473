"""Freezing a dataset: from what the library holds now to a list that never changes."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.trainer.candidates import Candidate, add_sections, find_candidates
from services.trainer.choose import within_limits, without_copies
from services.trainer.frozen_dataset import Header, Recording, lines
from services.trainer.groups import assign_groups, check_leaks
from services.trainer.selection import Selection, species_of
from services.trainer.split import assign_folds
from services.trainer.summary import Summary, summarise
from shared.db import tables
from shared.errors import InvalidInput
from shared.model_file import Label
from shared.storage import BLOCK_BYTES, Storage

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

NAMED = 20


@dataclass(frozen=True)
class Frozen:
    """A dataset whose file is in the storage, and that still needs its row."""

    selection: Selection
    sha256: str
    file_key: str
    summary: Summary

    def row(self) -> tables.Dataset:
        return tables.Dataset(
            name=self.selection.name,
            sha256=self.sha256,
            file_key=self.file_key,
            parameters=self.selection.model_dump(mode="json"),
            summary=self.summary.model_dump(mode="json"),
        )


def freeze(session: Session, storage: Storage, selection: Selection) -> Frozen:
    """Writes the dataset's list to the storage. The session only reads; it should see one moment of the database.

    Raises:
        InvalidInput: when nothing trainable is selected; it says what is missing.
    """
    chosen, labels, summary = _choose(session, selection)
    add_sections(session, selection, chosen)
    written = lines(Header(labels=labels), map(_recording, chosen))
    stored = storage.add_content("datasets", io.BufferedReader(_Lines(written), BLOCK_BYTES), ".jsonl")
    return Frozen(selection, stored.sha256, stored.key, summary)


def preview(session: Session, selection: Selection) -> Summary:
    """What `freeze` would give now; nothing is stored. Raises InvalidInput as it does."""
    return _choose(session, selection)[2]


def _choose(session: Session, selection: Selection) -> tuple[list[Candidate], tuple[Label, ...], Summary]:
    """The recordings, each in its fold, without their sections."""
    asked = species_of(session, selection)
    candidates = find_candidates(session, selection)
    assign_groups(candidates)
    kept, warnings = without_copies(candidates)
    chosen = within_limits(kept, selection)
    names = sorted({one.label for one in chosen if not one.background})
    if len(names) < 2:
        raise _too_little(kept, selection, asked)
    folds = assign_folds([one.label for one in chosen], [one.group for one in chosen], selection.folds, selection.seed)
    for one, fold in zip(chosen, folds, strict=True):
        one.fold = fold
    check_leaks(chosen)
    labels = _labels(session, names)
    if missing := sorted(set(selection.background) - {one.label for one in chosen if one.background}):
        warnings.append(f"There are no prepared recordings of this background: {', '.join(missing)}.")
    return chosen, labels, summarise(chosen, labels, asked, warnings, selection.folds)


class _Lines(io.RawIOBase):
    """Lines as a file to be read once: a dataset of any size is never whole in memory."""

    def __init__(self, written: Iterator[bytes]) -> None:
        self._written = written
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        self._rest = self._rest or next(self._written, b"")
        view = memoryview(buffer)
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _labels(session: Session, names: Sequence[str]) -> tuple[Label, ...]:
    rows = session.execute(select(tables.Species.scientific_name, tables.Species.common_name))
    common = {row.scientific_name: row.common_name for row in rows}
    return tuple(Label(scientific=name, common=common.get(name, "")) for name in names)


def _recording(one: Candidate) -> Recording:
    origin = one.origin
    return Recording(
        sha256=origin.sha256,
        audio=origin.audio,
        samples=origin.samples,
        label=one.label,
        marked=one.marked,
        secondary=tuple(one.secondary),
        recordist=origin.recordist or None,
        licence=origin.licence or None,
        source=origin.source or None,
        source_url=origin.source_url or None,
        xc_id=origin.xc_id,
        quality=origin.quality,
        country=origin.country or None,
        locality=origin.locality or None,
        latitude=origin.latitude,
        longitude=origin.longitude,
        recorded_on=origin.recorded_on,
        segmentation=origin.segmentation,
        group=one.group,
        fold=one.fold,
        slices=tuple(one.slices),
        noise=tuple(one.noise),
        signal_sections=one.signal_sections,
        noise_sections=one.noise_sections,
        background=one.background,
    )


def _too_little(kept: Sequence[Candidate], selection: Selection, asked: set[str] | None) -> InvalidInput:
    counts = Counter(one.label for one in kept if not one.background)
    found = ", ".join(f"{label} ({count})" for label, count in sorted(counts.items())[:NAMED]) or "none"
    more = f" and {len(counts) - NAMED} more" if len(counts) > NAMED else ""
    missing = ", ".join(sorted((asked or set()) - set(counts))[:NAMED])
    slices = "1 slice" if selection.min_slices == 1 else f"{selection.min_slices} slices"
    return InvalidInput(
        f"A dataset needs two species with {selection.min_recordings} prepared recordings and {slices} each; "
        f"found: {found}{more}{f'; nothing of {missing}' if missing else ''}.",
        hint="Ingest more recordings, wait until they are prepared, or ask for less.",
    )
