"""What a dataset holds, class by class and fold by fold, and what to mind."""

from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, Field

from services.trainer.candidates import Candidate
from services.trainer.groups import person
from shared.model_file import Label

THIN_CLASS = 10


class ClassSummary(BaseModel):
    species: str
    common_name: str
    recordings: int
    slices: int
    recordists: int
    recordings_by_fold: list[int] = Field([], description="Recordings in the first fold, in the second, ...")
    slices_by_fold: list[int] = []


class Summary(BaseModel):
    """What the dataset holds, and what to mind."""

    recordings: int
    slices: int
    noise_slices: int
    background: int = Field(0, description="Recordings that are mere noise and no example of a species")
    folds: int | None = Field(None, description="Fewer than asked for where there is too little to split")
    groups: int | None = Field(
        None, description="Recordings of one recordist, Xeno-canto number or sound are one group, in one fold"
    )
    leaks: int | None = Field(None, description="Groups, recordists or sounds in two folds: checked, 0")
    licences: dict[str, int] = Field({}, description="How many recordings are under which licence")
    classes: list[ClassSummary]
    warnings: list[str]


def summarise(
    chosen: Sequence[Candidate],
    labels: Sequence[Label],
    asked: set[str] | None,
    warnings: Sequence[str],
    folds_wanted: int,
) -> Summary:
    """Of candidates whose folds were checked for leaks."""
    folds = 1 + max(one.fold for one in chosen)
    by_label: dict[str, list[Candidate]] = {label.scientific: [] for label in labels}
    for one in chosen:
        if not one.background:
            by_label[one.label].append(one)
    classes = [_class(label, by_label[label.scientific], folds) for label in labels]
    recordings = {one.origin.sha256: one.origin for one in chosen}
    licences = Counter(origin.licence or "unknown" for origin in recordings.values())
    unknown = sum(not person(origin.recordist) for origin in recordings.values())
    return Summary(
        recordings=len(recordings),
        slices=sum(one.slices for one in classes),
        noise_slices=sum(len(one.noise) for one in chosen),
        background=sum(one.background for one in chosen),
        folds=folds,
        groups=len({one.group for one in chosen}),
        leaks=0,
        licences=dict(sorted(licences.items())),
        classes=classes,
        warnings=[*_warnings(classes, asked, folds, unknown), *_fewer(folds, folds_wanted), *warnings],
    )


def _class(label: Label, mine: Sequence[Candidate], folds: int) -> ClassSummary:
    slices: Counter[int] = Counter()
    for one in mine:
        slices[one.fold] += len(one.slices)
    recordings = Counter(one.fold for one in mine)
    return ClassSummary(
        species=label.scientific,
        common_name=label.common,
        recordings=len(mine),
        slices=slices.total(),
        recordists=len({person(one.origin.recordist) for one in mine} - {""}),
        recordings_by_fold=[recordings[fold] for fold in range(folds)],
        slices_by_fold=[slices[fold] for fold in range(folds)],
    )


def _fewer(folds: int, wanted: int) -> list[str]:
    return [f"{folds} folds instead of {wanted}: there is too little to split further."] if folds < wanted else []


def _warnings(classes: Sequence[ClassSummary], asked: set[str] | None, folds: int, unknown: int) -> list[str]:
    warnings = []
    if thin := [f"{one.species} ({one.recordings})" for one in classes if one.recordings < THIN_CLASS]:
        warnings.append(f"Few recordings, so expect little of these species: {', '.join(thin)}.")
    if missing := sorted((asked or set()) - {one.species for one in classes}):
        warnings.append(f"Left out for want of recordings: {', '.join(missing)}.")
    if folds > 1 and (stuck := [one.species for one in classes if max(one.recordings_by_fold) == one.recordings]):
        warnings.append(f"These species are in one fold only, so they cannot be tested: {', '.join(stuck)}.")
    if unknown:
        warnings.append(
            f"{unknown} recordings name no recordist; each counts as a group of its own, which may flatter the figures."
        )
    return warnings
