"""Folds: no recordist on both sides, and no species that must be guessed."""

from collections import Counter

import numpy as np
import pytest

from services.trainer.frozen_dataset import Recording
from services.trainer.split import Split, assign_folds, everything, held_out, set_aside


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


def test_the_split_is_the_same_in_any_order_and_another_for_another_seed() -> None:
    generator = np.random.default_rng(2)
    labels = [f"bird {n}" for n in generator.integers(4, size=200)]
    groups = [f"group {n}" for n in generator.integers(60, size=200)]
    folds = assign_folds(labels, groups, 5, seed=0)
    order = generator.permutation(200)
    again = assign_folds([labels[i] for i in order], [groups[i] for i in order], 5, seed=0)
    assert again == [folds[i] for i in order]
    assert assign_folds(labels, groups, 5, seed=1) != folds


def test_species_are_spread_evenly_over_the_folds() -> None:
    generator = np.random.default_rng(3)
    labels = [f"bird {n}" for n in generator.zipf(1.5, size=3_000) % 10]
    groups = [f"group {n}" for n in generator.integers(600, size=3_000)]
    shares = Counter(zip(labels, assign_folds(labels, groups, 5, seed=0), strict=True))
    for label, count in Counter(labels).items():
        most = max(shares[label, fold] for fold in range(5))
        least = min(shares[label, fold] for fold in range(5))
        assert most - least <= max(2, 0.02 * count)


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


def test_what_is_tied_to_it_changes_sides_too_whatever_its_recordist_is_called() -> None:
    recordings = [
        recording("rare", "A. Lee", 0).model_copy(update={"group": "one"}),
        recording("common", "Ann Lee", 0).model_copy(update={"group": "one"}),
        recording("common", "y", 0).model_copy(update={"group": "two"}),
        recording("common", "z", 1).model_copy(update={"group": "three"}),
    ]
    split = held_out(recordings, 0, every_class=True)
    assert (split.train, split.test) == ([0, 1, 3], [2])


def test_when_measuring_a_species_that_cannot_be_learnt_is_left_out() -> None:
    recordings = [recording("rare", "x", 0), recording("common", "x", 0), recording("common", "z", 1)]
    split = held_out(recordings, 0, every_class=False)
    assert split.train == [2]
    assert split.test == [1]
    assert "rare" in split.warnings[0]


def test_a_sixth_of_the_training_side_is_set_aside_by_whole_recordists_and_no_species_is_lost() -> None:
    recordings = [recording(f"bird {n % 4}", f"person {n % 23}", fold=n % 5) for n in range(200)]
    recordings.append(recording("rare bird", "person 3", fold=1))
    split = held_out(recordings, 0, every_class=False)
    rest, aside = set_aside(recordings, split, seed=1)
    assert sorted(rest.train + aside) == split.train
    assert rest.test == split.test, "the test fold is left alone"
    people = [{recordings[i].recordist for i in side} for side in (rest.train, aside)]
    assert not people[0] & people[1]
    assert {recordings[i].label for i in rest.train} == {recordings[i].label for i in split.train}
    assert 0.1 < len(aside) / len(split.train) < 0.2
    assert set_aside(recordings, split, seed=1) == (rest, aside)


def test_where_nobody_can_be_spared_all_is_trained_on_and_it_is_said() -> None:
    recordings = [recording(f"bird {n}", "one person", fold=0) for n in (0, 1, 0, 1)]
    rest, aside = set_aside(recordings, Split([0, 1, 2, 3], [], []), seed=0)
    assert (rest.train, aside) == ([0, 1, 2, 3], [])
    assert "patience had no effect" in rest.warnings[0]
