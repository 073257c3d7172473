"""Freezing a dataset from what the library holds."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import delete

from services.trainer.freeze import freeze
from services.trainer.frozen_dataset import Dataset, read_dataset
from services.trainer.frozen_dataset import Recording as FrozenRecording
from services.trainer.selection import Selection
from services.trainer.summary import Summary
from shared.audio.constants import SAMPLE_RATE
from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.db.tables import Recording, Section, Slice, Species
from shared.errors import InvalidInput
from shared.storage import FileStorage

SAMPLES = 220_500


def recording(label: str | None, number: int, **columns: Any) -> Recording:
    """Prepared, with two slices of signal and one of noise."""
    given = {
        "sha256": f"{label}-{number}",
        "original_key": "x",
        "original_name": "x",
        "size": 1,
        "source": "folder",
        "label": label,
        "licence": "CC BY 4.0",
        "recordist": f"recordist {number % 3}",
        "prepared_key": f"{label}-{number}.wav",
        "prepared_samples": SAMPLES,
        "prepared_at": now(),
        "segmentation": "contrast",
    }
    row = Recording(**{**given, **columns})
    if not row.slices:
        row.slices += [window(0), window(55_125), window(110_250, kind="noise")]
    return row


def window(start: int, **columns: Any) -> Slice:
    return Slice(**{"kind": "signal", "start": start, "length": 110_250, "signal_fraction": 0.5, **columns})


def add(sessions: SyncSessions, *rows: Recording) -> None:
    with sessions.begin() as session:
        for label in {row.label for row in rows} - {None}:
            session.merge(Species(scientific_name=str(label), common_name=str(label).upper()))
        session.flush()
        session.add_all(rows)


def pair(number: int, **columns: Any) -> list[Recording]:
    """A recording of each of two species."""
    return [recording(label, number, **columns) for label in ("Avis una", "Avis duo")]


def pairs(numbers: Iterable[int], **columns: Any) -> list[Recording]:
    return [row for number in numbers for row in pair(number, **columns)]


@pytest.fixture
def storage(tmp_path: Path) -> FileStorage:
    return FileStorage(tmp_path / "storage")


def frozen(sessions: SyncSessions, storage: FileStorage, **wanted: object) -> Dataset:
    with sessions() as session:
        row = freeze(session, storage, Selection.model_validate(wanted)).row()
    return read_dataset(storage.existing(row.file_key), sha256=row.sha256)


def summary(sessions: SyncSessions, storage: FileStorage, **wanted: object) -> Summary:
    with sessions() as session:
        return freeze(session, storage, Selection.model_validate(wanted)).summary


def test_a_dataset_holds_what_the_library_knows_of_its_recordings(sessions: SyncSessions, storage: FileStorage) -> None:
    known = {
        "source": "xeno-canto",
        "source_url": "https://xeno-canto.org/12",
        "xc_id": "12",
        "quality": "B",
        "country": "Poland",
        "locality": "Białowieża",
        "latitude": 52.7,
        "longitude": 23.9,
        "recorded_on": date(2024, 5, 17),
        "secondary": ["Avis duo", "Avis alia"],
    }
    add(sessions, recording("Avis una", 1, **known), recording("Avis una", 2), *pair(3))
    dataset = frozen(sessions, storage, min_recordings=1)
    assert dataset.names == ["Avis duo", "Avis una"]
    first = dataset.recordings[1]
    assert first == FrozenRecording(
        **{**known, "secondary": ("Avis duo", "Avis alia")},
        sha256="Avis una-1",
        audio="Avis una-1.wav",
        samples=SAMPLES,
        label="Avis una",
        recordist="recordist 1",
        licence="CC BY 4.0",
        segmentation="contrast",
        group="Avis una-1",
        fold=first.fold,
        slices=(0, 55_125),
        noise=(110_250,),
    )


ORDER = st.permutations(range(24))
# Without shrinking: each example fills a database.
SLOW = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
    phases=[Phase.generate],
)


@SLOW
@given(order=ORDER, changed=st.integers(0, 23))
def test_the_same_recordings_are_the_same_dataset_in_any_order_and_under_any_name(
    sessions: SyncSessions, storage: FileStorage, order: list[int], changed: int
) -> None:
    def hashes(order: list[int], *, moved: int | None, name: str) -> tuple[str, str]:
        """Of all, and of the best, after the recordings came into an empty library in this order."""
        with sessions.begin() as session:
            session.execute(delete(Slice))
            session.execute(delete(Recording))
        rows = pairs(range(12))
        for number, row in enumerate(rows):
            row.quality, row.xc_id = "ABCDE"[number % 5], str(number // 3)
            starts = [number + 40 * (number == moved), 99_000, 70_000]
            row.slices = [window(start) for start in (starts if number in order[:12] else reversed(starts))]
        for place in order:
            add(sessions, rows[place])
        some = {"max_recordings": 9, "max_slices": 20}
        return frozen(sessions, storage, name=name).sha256, frozen(sessions, storage, name=name, **some).sha256

    first = hashes([*range(24)], moved=None, name="first")
    assert hashes(order, moved=None, name="second") == first
    assert hashes(order, moved=changed, name="first")[0] != first[0]


def test_no_recordist_clip_or_sound_is_in_two_folds(sessions: SyncSessions, storage: FileStorage) -> None:
    rows = pairs(range(30))
    for number, row in enumerate(rows):
        row.recordist = ["", f"Person {number % 7}", f" person  {number % 7} "][number % 3]
        row.xc_id = str(number // 2) if number % 5 == 0 else None
        row.prepared_sha256 = f"sound {number // 4}" if number % 4 < 2 else None
    add(sessions, *rows)
    dataset = frozen(sessions, storage, folds=3)
    folds: dict[str, set[int]] = {}
    for one in dataset.recordings:
        name = " ".join((one.recordist or "").split()).casefold()
        for tie in (name, one.xc_id and f"XC{one.xc_id}", one.group):
            if tie:
                folds.setdefault(tie, set()).add(one.fold)
    assert all(len(those) == 1 for those in folds.values())
    assert {one.fold for one in dataset.recordings} == {0, 1, 2}
    held = summary(sessions, storage, folds=3)
    assert (held.leaks, held.folds, held.groups) == (0, 3, len({one.group for one in dataset.recordings}))
    for one in held.classes:
        mine = [each for each in dataset.recordings if each.label == one.species]
        assert one.recordings_by_fold == [sum(each.fold == fold for each in mine) for fold in range(3)]
        assert sum(one.slices_by_fold) == one.slices == 2 * len(mine)


FILTERS = [
    ({"quality": ["A", "unrated"]}, {0, 3}),
    ({"licence": ["CC BY"]}, {0}),
    ({"licence": ["CC BY-NC-SA", "CC0"]}, {1, 2}),
    ({"licence": ["unknown"]}, {3}),
    ({"no_derivatives": "exclude"}, {0, 1, 2, 3}),
    ({"source": ["upload"]}, {1}),
    ({"country": ["germany", "ÉIRE"]}, {0, 2}),
    ({"box": [40, 0, 60, 20]}, {0}),
    ({"box": [-60, 170, 0, -170]}, {1, 2}),
    ({"recorded_from": "2024-05-01"}, {0, 1}),
    ({"recorded_from": "2023-01-01", "recorded_to": "2024-05-01"}, {0, 2}),
    ({"month": [5, 12]}, {0, 1}),
    ({"min_signal_fraction": 0.6}, {2}),
    ({"quality": ["A", "B"], "month": [12]}, {1}),
]


@pytest.fixture
def mixed(sessions: SyncSessions) -> SyncSessions:
    """A library of five kinds of recordings, of each several of two species."""
    kinds: list[dict[str, Any]] = [
        {"quality": "A", "country": "Germany", "latitude": 50, "longitude": 10, "recorded_on": date(2024, 5, 1)},
        {"quality": "B", "licence": "CC BY-NC-SA 4.0", "source": "upload", "recorded_on": date(2025, 12, 31)},
        {"quality": "C", "licence": "CC0 1.0", "country": "Éire", "recorded_on": date(2023, 1, 1)},
        {"quality": None, "licence": ""},
        {"quality": "D", "licence": "https://creativecommons.org/licenses/by-nc-nd/4.0/"},
    ]
    kinds[1] |= {"latitude": -40, "longitude": 175}
    kinds[2] |= {"latitude": -20, "longitude": -175}
    for kind, columns in enumerate(kinds):
        rows = pairs([10 * kind, 10 * kind + 1], **columns)
        if kind == 2:
            rows[0].slices[0].signal_fraction = rows[1].slices[0].signal_fraction = 0.6
        add(sessions, *rows)
    return sessions


def test_each_filter_takes_what_it_says(mixed: SyncSessions, storage: FileStorage) -> None:
    def taken(wanted: dict[str, object]) -> set[int]:
        dataset = frozen(mixed, storage, **wanted, min_recordings=1)
        return {int(one.sha256.split("-")[1]) // 10 for one in dataset.recordings}

    assert [taken(wanted) for wanted, _ in FILTERS] == [expected for _, expected in FILTERS]


def test_species_are_found_however_they_are_written(sessions: SyncSessions, storage: FileStorage) -> None:
    add(sessions, *pairs(range(3)), *(recording("Turdus merula", number) for number in range(3)))
    with sessions.begin() as session:
        session.get_one(Species, "Avis duo").names = {"fr": "Oiseau Deux"}
    wanted = frozen(sessions, storage, species=["avis  UNA", "Amsel"])
    assert wanted.names == ["Avis una", "Turdus merula"]
    assert wanted.sha256 == frozen(sessions, storage, species=["Turdus merula", "Avis una"]).sha256
    assert frozen(sessions, storage, species=["oiseau deux", "Amsel"]).names == ["Avis duo", "Turdus merula"]


def test_what_is_taken_out_of_the_library_is_in_no_new_dataset(sessions: SyncSessions, storage: FileStorage) -> None:
    add(sessions, *pairs(range(3)))
    first = frozen(sessions, storage)
    add(sessions, *pairs([7], deleted_at=now()))
    assert frozen(sessions, storage).sha256 == first.sha256


def test_what_a_person_marked_as_another_species_trains_that_species(
    sessions: SyncSessions, storage: FileStorage
) -> None:
    given = {"segmentation": "given", "secondary": ["Avis alia"]}
    both = [window(0), window(1_000, label="Avis duo"), window(2_000, label="Avis duo"), window(9, kind="noise")]
    add(
        sessions,
        recording("Avis una", 1, slices=both, **given),
        recording(None, 2, slices=[window(500, label="Avis duo")], **given),
        *pairs([3, 4]),
    )
    for wanted in ({}, {"species": ["Avis duo", "Avis una"]}):
        dataset = frozen(sessions, storage, **wanted)
        own, marked = (one for one in dataset.recordings if one.sha256 == "Avis una-1")
        if own.marked:
            own, marked = marked, own
        assert (own.label, own.slices, own.secondary, own.marked) == ("Avis una", (0,), ("Avis alia",), False)
        assert (marked.label, marked.slices, marked.marked) == ("Avis duo", (1_000, 2_000), True)
        assert marked.secondary == ("Avis alia", "Avis una")
        assert (own.group, own.fold) == (marked.group, marked.fold)
        assert own.noise + marked.noise == (9,)
        assert [one.slices for one in dataset.recordings if one.sha256 == "None-2"] == [(500,)]
    counted = summary(sessions, storage)
    assert counted.recordings == 6
    assert [(one.species, one.recordings) for one in counted.classes] == [("Avis duo", 4), ("Avis una", 3)]


def section(start: int, end: int, kind: str = "signal", label: str = "") -> Section:
    return Section(kind=kind, start=start, end=end, label=label)


def test_it_is_noted_where_exactly_who_is_heard_and_where_nobody_is(
    sessions: SyncSessions, storage: FileStorage
) -> None:
    heard = recording("Avis una", 1, segmentation="given", slices=[window(0), window(1_000, label="Avis duo")])
    heard.sections = [
        section(90_000, 95_000),
        section(20_000, 50_000, "noise"),
        section(1_000, 9_000),
        section(2_000, 30_000, label="Avis duo"),
        section(8_000, 12_000),
        section(60_000, 60_000 + SAMPLE_RATE // 2 - 1, "noise"),
    ]
    add(sessions, heard, *pairs([3, 4]))
    marked, own = (one for one in frozen(sessions, storage).recordings if one.sha256 == "Avis una-1")
    assert (marked.label, marked.signal_sections) == ("Avis duo", ((2_000, 30_000),))
    assert (own.label, own.signal_sections) == ("Avis una", ((1_000, 12_000), (90_000, 95_000)))
    assert (marked.noise_sections, own.noise_sections) == (((20_000, 50_000),), ()), "once; what would hum is left out"


def test_recordings_of_mere_noise_are_background_and_no_species(sessions: SyncSessions, storage: FileStorage) -> None:
    silent = recording("sea", 2, recordist="recordist 0", slices=[window(0, kind="noise")])
    add(sessions, *pairs(range(6)), recording("rain", 1, recordist="recordist 1"), silent)
    dataset = frozen(sessions, storage, background=["rain", "sea"])
    assert dataset.names == ["Avis duo", "Avis una"]
    mere = [one for one in dataset.recordings if one.background]
    assert [(one.label, one.slices, one.noise_sections) for one in mere] == [
        ("rain", (), ((0, SAMPLES),)),
        ("sea", (), ((0, SAMPLES),)),
    ]
    by_recordist = {one.recordist: one.fold for one in dataset.recordings if not one.background}
    assert [one.fold for one in mere] == [by_recordist["recordist 1"], by_recordist["recordist 0"]]
    wanted = {"species": ["Avis una", "Avis duo"], "background": ["rain", "wind"]}
    assert [one.label for one in frozen(sessions, storage, **wanted).recordings if one.background] == ["rain"]
    held = summary(sessions, storage, **wanted)
    assert (held.background, len(held.classes)) == (1, 2)
    assert "There are no prepared recordings of this background: wind." in held.warnings


def test_what_is_not_prepared_or_too_rare_is_left_out_and_said(sessions: SyncSessions, storage: FileStorage) -> None:
    unprepared = [recording("Avis nondum", n, prepared_key=None, prepared_samples=None) for n in range(3)]
    add(sessions, *pairs(range(3)), recording("Avis rara", 0), *unprepared)
    held = summary(sessions, storage, species=["Avis una", "Avis duo", "Avis nondum", "Avis rara"])
    assert [one.species for one in held.classes] == ["Avis duo", "Avis una"]
    assert any("Avis nondum, Avis rara" in warning for warning in held.warnings)


def test_a_species_of_one_recordist_cannot_be_tested_and_it_is_said(
    sessions: SyncSessions, storage: FileStorage
) -> None:
    add(sessions, *pairs(range(6)), *(recording("Avis sola", 3 * number) for number in range(4)))
    assert any(
        "in one fold only" in warning and "Avis sola" in warning for warning in summary(sessions, storage).warnings
    )


def test_fewer_folds_than_asked_for_are_said(sessions: SyncSessions, storage: FileStorage) -> None:
    add(sessions, *pairs(range(3)))
    held = summary(sessions, storage, folds=20)
    assert held.folds == 3
    assert any(warning.startswith("3 folds instead of 20") for warning in held.warnings)
    assert not any("folds instead of" in warning for warning in summary(sessions, storage, folds=3).warnings)


def test_too_little_to_train_on_says_what_was_found(sessions: SyncSessions, storage: FileStorage) -> None:
    with pytest.raises(InvalidInput, match="found: none"):
        frozen(sessions, storage)
    add(sessions, recording("Avis una", 0))
    with pytest.raises(InvalidInput, match=r"and 1 slice each; found: Avis una \(1\)\."):
        frozen(sessions, storage)
    with pytest.raises(InvalidInput, match=r"found: Avis una \(1\); nothing of Avis unna\."):
        frozen(sessions, storage, species=["Avis una", "Avis unna"])
    assert not list(storage.root.rglob("*.jsonl"))


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"qualty": ["A"]}, "Extra inputs"),
        ({"quality": ["F"]}, "unrated"),
        ({"quality": []}, "at least 1"),
        ({"box": [50, 0, 40, 10]}, "south below north"),
        ({"box": [0, 0, float("nan"), 10]}, "south below north"),
        ({"box": [0, 0, 10]}, "Field required"),
        ({"month": [13]}, "less than or equal to 12"),
        ({"recorded_from": "2025-01-02", "recorded_to": "2025-01-01"}, "later than"),
        ({"min_recordings": 5, "max_recordings": 4}, "larger than its maximum"),
        ({"species": ["a\0b"]}, "species.0 holds a zero byte"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(wanted: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Selection.model_validate(wanted)
