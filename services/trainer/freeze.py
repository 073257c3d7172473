"""Freezing a dataset: from what the library holds now to a list that never changes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from services.trainer.frozen_dataset import Dataset, Recording
from services.trainer.split import assign_folds
from shared.db import tables
from shared.errors import InvalidInput
from shared.model_file import Label
from shared.storage import FileStorage

THIN_CLASS = 10


class Selection(BaseModel):
    """Which recordings a dataset takes, and how it splits them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("dataset", pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$")
    species: list[str] | None = Field(None, description="Scientific names; all species of the library if left out")
    no_derivatives: Literal["include", "exclude"] = Field(
        "include", description="Recordings under a NoDerivatives licence: exclude them from a model you share"
    )
    min_recordings: int = Field(2, ge=1, description="Leave out species with fewer recordings")
    max_recordings: int | None = Field(None, ge=1, description="At most so many recordings per species")
    folds: int = Field(5, ge=2, le=20, description="Parts for cross-validation; a recordist is in one only")
    seed: int = Field(0, ge=0)


class ClassSummary(BaseModel):
    species: str
    common_name: str
    recordings: int
    slices: int
    recordists: int


class Summary(BaseModel):
    """What the dataset holds, and what to mind."""

    recordings: int
    slices: int
    noise_slices: int
    classes: list[ClassSummary]
    warnings: list[str]


def freeze(session: Session, storage: FileStorage, selection: Selection) -> tables.Dataset:
    """Writes the dataset's list to the storage and adds its row to the caller's transaction.

    Raises:
        InvalidInput: when nothing trainable is selected; it says what is missing.
    """
    dataset = _collect(session, selection)
    key = f"datasets/{dataset.sha256}.json"
    with storage.writing(key) as part:
        part.write_bytes(dataset.canonical())
    row = tables.Dataset(
        name=selection.name,
        sha256=dataset.sha256,
        file_key=key,
        parameters=selection.model_dump(mode="json"),
        summary=_summarise(dataset, selection).model_dump(mode="json"),
    )
    session.add(row)
    session.flush()
    return row


def _collect(session: Session, selection: Selection) -> Dataset:
    by_label: dict[str, list[tables.Recording]] = {}
    for row in session.scalars(_query(selection)):
        if any(one.kind == "signal" for one in row.slices):
            by_label.setdefault(str(row.label), []).append(row)
    kept = {
        label: rows[: selection.max_recordings]
        for label, rows in sorted(by_label.items())
        if len(rows) >= selection.min_recordings
    }
    if len(kept) < 2:
        found = ", ".join(f"{label} ({len(rows)})" for label, rows in sorted(by_label.items())) or "none"
        raise InvalidInput(
            f"A dataset needs two species with {selection.min_recordings} prepared recordings each; found: {found}.",
            hint="Ingest more recordings, wait until they are prepared, or lower min_recordings.",
        )
    rows = [row for label in kept for row in kept[label]]
    folds = assign_folds(
        [str(row.label) for row in rows], [row.recordist or None for row in rows], selection.folds, selection.seed
    )
    names = select(tables.Species).where(tables.Species.scientific_name.in_(kept))
    common = {name.scientific_name: name.common_name for name in session.scalars(names)}
    return Dataset(
        name=selection.name,
        labels=tuple(Label(scientific=label, common=common.get(label, "")) for label in kept),
        recordings=tuple(_recording(row, fold) for row, fold in zip(rows, folds, strict=True)),
    )


def _query(selection: Selection) -> Select[tables.Recording]:
    query = (
        select(tables.Recording)
        .where(tables.Recording.prepared_at.is_not(None), tables.Recording.label.is_not(None))
        .options(selectinload(tables.Recording.slices))
        .order_by(tables.Recording.label, tables.Recording.sha256)
    )
    if selection.species is not None:
        query = query.where(tables.Recording.label.in_(selection.species))
    if selection.no_derivatives == "exclude":
        query = query.where(~tables.Recording.licence.ilike("%ND%"), ~tables.Recording.licence.ilike("%NoDeriv%"))
    return query


def _recording(row: tables.Recording, fold: int) -> Recording:
    return Recording(
        id=row.id,
        sha256=row.sha256,
        audio=str(row.prepared_key),
        samples=row.prepared_samples or 0,
        label=str(row.label),
        secondary=tuple(row.secondary),
        recordist=row.recordist or None,
        licence=row.licence or None,
        xc_id=row.xc_id,
        fold=fold,
        slices=tuple(one.start for one in row.slices if one.kind == "signal"),
        noise=tuple(one.start for one in row.slices if one.kind == "noise"),
    )


def _summarise(dataset: Dataset, selection: Selection) -> Summary:
    classes = []
    for label in dataset.labels:
        mine = [one for one in dataset.recordings if one.label == label.scientific]
        classes.append(
            ClassSummary(
                species=label.scientific,
                common_name=label.common,
                recordings=len(mine),
                slices=sum(len(one.slices) for one in mine),
                recordists=len({one.recordist for one in mine if one.recordist}),
            )
        )
    thin = [f"{one.species} ({one.recordings})" for one in classes if one.recordings < THIN_CLASS]
    warnings = [f"Few recordings, so expect little of these species: {', '.join(thin)}."] if thin else []
    if missing := sorted(set(selection.species or ()) - {one.species for one in classes}):
        warnings.append(f"Left out for want of recordings: {', '.join(missing)}.")
    if unknown := sum(not one.recordist for one in dataset.recordings):
        warnings.append(
            f"{unknown} recordings name no recordist; each counts as a group of its own, which may flatter the figures."
        )
    return Summary(
        recordings=len(dataset.recordings),
        slices=dataset.slices,
        noise_slices=sum(len(one.noise) for one in dataset.recordings),
        classes=classes,
        warnings=warnings,
    )
