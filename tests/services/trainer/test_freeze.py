"""Freezing a dataset from what the library holds."""

from pathlib import Path

import pytest

from services.trainer.freeze import freeze
from services.trainer.frozen_dataset import Dataset, read_dataset
from services.trainer.selection import Selection
from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.db.tables import Recording, Slice, Species
from shared.errors import InvalidInput
from shared.storage import FileStorage

SAMPLES = 220_500


def add(sessions: SyncSessions, label: str, number: int, *, licence: str = "CC BY 4.0", prepared: bool = True) -> None:
    with sessions.begin() as session:
        session.merge(Species(scientific_name=label, common_name=label.upper()))
        session.flush()
        recording = Recording(
            sha256=f"{label}-{number}",
            original_key="x",
            original_name="x",
            size=1,
            source="folder",
            label=label,
            licence=licence,
            recordist=f"recordist {number % 3}",
        )
        if prepared:
            recording.prepared_key, recording.prepared_samples, recording.prepared_at = "x.wav", SAMPLES, now()
            for kind, start in (("signal", 0), ("signal", 55_125), ("noise", 110_250)):
                recording.slices.append(Slice(kind=kind, start=start, length=110_250, signal_fraction=0.5))
        session.add(recording)


@pytest.fixture
def storage(tmp_path: Path) -> FileStorage:
    return FileStorage(tmp_path / "storage")


def frozen(sessions: SyncSessions, storage: FileStorage, **wanted: object) -> Dataset:
    with sessions.begin() as session:
        row = freeze(session, storage, Selection.model_validate(wanted)).row()
    dataset = read_dataset(storage.existing(row.file_key))
    assert dataset.sha256 == row.sha256
    return dataset


def test_the_same_library_gives_the_same_dataset(sessions: SyncSessions, storage: FileStorage) -> None:
    for number in range(4):
        add(sessions, "Avis una", number)
        add(sessions, "Avis duo", number)
    first, second = frozen(sessions, storage), frozen(sessions, storage)
    assert first == second
    assert first.names == ["Avis duo", "Avis una"]
    assert all(one.slices == (0, 55_125) and one.noise == (110_250,) for one in first.recordings)
    add(sessions, "Avis una", 9)
    assert frozen(sessions, storage).sha256 != first.sha256


def test_a_recordist_is_in_one_fold_only(sessions: SyncSessions, storage: FileStorage) -> None:
    for number in range(9):
        add(sessions, "Avis una", number)
        add(sessions, "Avis duo", number)
    folds: dict[str | None, set[int]] = {}
    for one in frozen(sessions, storage, folds=3).recordings:
        folds.setdefault(one.recordist, set()).add(one.fold)
    assert all(len(those) == 1 for those in folds.values())
    assert len(set.union(*folds.values())) == 3


def test_no_derivatives_recordings_can_be_left_out(sessions: SyncSessions, storage: FileStorage) -> None:
    for number in range(3):
        for label in ("Avis una", "Avis duo"):
            add(sessions, label, number, licence="CC BY-NC-ND 4.0" if number == 0 else "CC BY-NC-SA 4.0")
    assert len(frozen(sessions, storage).recordings) == 6
    kept = frozen(sessions, storage, no_derivatives="exclude").recordings
    assert {one.licence for one in kept} == {"CC BY-NC-SA 4.0"}
    assert len(kept) == 4


def test_what_is_not_prepared_or_too_rare_is_left_out_and_said(sessions: SyncSessions, storage: FileStorage) -> None:
    for number in range(3):
        add(sessions, "Avis una", number)
        add(sessions, "Avis duo", number)
        add(sessions, "Avis nondum", number, prepared=False)
    add(sessions, "Avis rara", 0)
    wanted = {"species": ["Avis una", "Avis duo", "Avis nondum", "Avis rara"]}
    with sessions.begin() as session:
        summary = freeze(session, storage, Selection.model_validate(wanted)).summary
    assert [one.species for one in summary.classes] == ["Avis duo", "Avis una"]
    assert any("Avis nondum, Avis rara" in warning for warning in summary.warnings)


def test_too_little_to_train_on_says_what_was_found(sessions: SyncSessions, storage: FileStorage) -> None:
    add(sessions, "Avis una", 0)
    with pytest.raises(InvalidInput, match=r"found: Avis una \(1\)"), sessions.begin() as session:
        freeze(session, storage, Selection())
