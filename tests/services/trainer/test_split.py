"""Folds: no recordist on both sides, and no species that must be guessed."""

from collections import Counter

import numpy as np
import pytest

from services.trainer.frozen_dataset import Recording
from services.trainer.split import assign_folds, everything, held_out


def recording(label: str, recordist: str | None, fold: int, slices: tuple[int, ...] = (0,)) -> Recording:
    return Recording(
        id="r", sha256="0", audio="a", samples=10, label=label, recordist=recordist, fold=fold, slices=slices
    )


def test_no_recordist_is_in_two_folds_and_every_fold_has_every_species() -> None:
    generator = np.random.default_rng(1)
    people = [f"person {n}" for n in generator.integers(40, size=300)]
    labels = [f"bird {n % 5}" for n in range(300)]
    folds = assign_folds(labels, people, 5, seed=3)
    assert sorted(set(folds)) == [0, 1, 2, 3, 4]
    assert all(count == 1 for count in Counter(person for person, _ in set(zip(people, folds, strict=True))).values())
    assert len(set(zip(labels, folds, strict=True))) == 25
    assert folds == assign_folds(labels, people, 5, seed=3)


@pytest.mark.parametrize(
    ("labels", "people", "expected"),
    [
        ([], [], set()),
        (["a", "b", "a"], ["x", "x", "x"], {0}),
        (["a", "b"], ["x", "y"], {0}),
        (["a", "a", "a", "b"], ["x", "y", "z", "z"], {0, 1, 2}),
    ],
    ids=["nothing", "one person", "one recording each", "three people"],
)
def test_there_are_fewer_folds_where_the_data_are_thin(
    labels: list[str], people: list[str], expected: set[int]
) -> None:
    assert set(assign_folds(labels, people, 5, seed=0)) == expected


def test_held_out_recordings_are_those_of_the_fold_with_slices() -> None:
    recordings = [recording("a", "x", 0), recording("a", "y", 1), recording("a", "z", 0, slices=())]
    split = held_out(recordings, 0, every_class=False)
    assert (split.train, split.test, split.warnings) == ([1], [0], [])
    assert everything(recordings).train == [0, 1]


def test_a_species_with_one_recording_is_only_trained_and_its_recordist_changes_sides_with_it() -> None:
    recordings = [
        recording("rare", "x", 0),
        recording("common", "x", 0),
        recording("common", "y", 0),
        recording("common", "z", 1),
    ]
    split = held_out(recordings, 0, every_class=True)
    assert split.train == [0, 1, 3]
    assert split.test == [2]
    assert "rare" in split.warnings[0]


def test_when_measuring_a_species_that_cannot_be_learnt_is_left_out() -> None:
    recordings = [recording("rare", "x", 0), recording("common", "x", 0), recording("common", "z", 1)]
    split = held_out(recordings, 0, every_class=False)
    assert split.train == [2]
    assert split.test == [1]
    assert "rare" in split.warnings[0]
