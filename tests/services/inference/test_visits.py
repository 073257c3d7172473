"""Visits counted by the database, on SQLite and on PostgreSQL alike."""

from datetime import date

import pytest

from services.inference.cells import COLUMNS, NOWHERE, ROWS, middles
from services.inference.season import week_of
from services.inference.visits import fingerprint, read_counts
from shared.db.base import now
from shared.db.engine import SyncSessions
from shared.db.tables import Recording, Species
from tests.support.library import add_recording

MERULA, MAJOR, COLLYBITA = "Turdus merula", "Parus major", "Phylloscopus collybita"
MAY = date(2024, 5, 4)
ANY = ""

Rows = dict[tuple[int, int, str], float]


def here(**values: object) -> dict[str, object]:
    return {"latitude": 48.1, "longitude": 11.6, "recorded_on": MAY, "recordist": "A. Birder", **values}


def rows(sessions: SyncSessions) -> Rows:
    """Visits by cell, week and species, `ANY` for those with any."""
    with sessions() as session:
        counts = read_counts(session)
    names = [*counts.species, ANY]
    keys = zip(counts.cell, counts.week, counts.of, strict=True)
    found = {
        (int(cell), int(week), names[of]): float(n) for (cell, week, of), n in zip(keys, counts.visits, strict=True)
    }
    assert len(found) == len(counts.visits), "each combination has one row"
    return found


def by_species(sessions: SyncSessions) -> dict[str, float]:
    found: dict[str, float] = {}
    for (_, _, name), visits in rows(sessions).items():
        found[name] = found.get(name, 0) + visits
    return found


def test_a_library_without_recordings_has_no_visits(sessions: SyncSessions) -> None:
    assert rows(sessions) == {}


def test_a_series_of_one_morning_is_one_visit(sessions: SyncSessions) -> None:
    for minute in range(50):
        add_recording(sessions, MERULA, **here(recorded_time=f"05:{minute:02}"))
    assert by_species(sessions) == {MERULA: 1, ANY: 1}


def test_other_days_recordists_and_cells_are_other_visits(sessions: SyncSessions) -> None:
    add_recording(sessions, MERULA, **here())
    add_recording(sessions, MERULA, **here(recorded_on=date(2025, 5, 4)))
    add_recording(sessions, MERULA, **here(recordist="B. Birder"))
    add_recording(sessions, MERULA, **here(latitude=48.3))
    assert by_species(sessions) == {MERULA: 4, ANY: 4}
    assert max(rows(sessions).values()) == 3, "the same day of two years lies in one week"


def test_a_visit_with_two_species_is_one_visit_with_each(sessions: SyncSessions) -> None:
    add_recording(sessions, MERULA, **here())
    add_recording(sessions, MAJOR, **here())
    assert by_species(sessions) == {MERULA: 1, MAJOR: 1, ANY: 1}


def test_secondary_and_annotated_species_count_the_deleted_do_not(sessions: SyncSessions) -> None:
    marks = [{"start": 0, "end": 1, "species": COLLYBITA}, {"start": 2, "end": 3, "species": ""}]
    add_recording(sessions, MERULA, **here(secondary=[MAJOR, MERULA], annotations=marks))
    add_recording(sessions, None, **here(recordist="B. Birder", annotations=marks))
    add_recording(sessions, None, **here(recordist="C. Birder"))
    add_recording(sessions, MAJOR, **here(recordist="D. Birder", deleted_at=now()))
    assert by_species(sessions) == {MERULA: 1, MAJOR: 1, COLLYBITA: 2, ANY: 2}


def test_recordings_with_a_place_or_a_date_only_are_kept_apart(sessions: SyncSessions) -> None:
    add_recording(sessions, MERULA, **here(recorded_on=None))
    add_recording(sessions, MERULA, **here(latitude=None, longitude=None))
    add_recording(sessions, MERULA)
    cells = {(cell == NOWHERE, week) for cell, week, _ in rows(sessions)}
    assert cells == {(False, -1), (True, week_of(MAY))}


@pytest.mark.parametrize(
    "day", [date(2023, 1, 1), date(2024, 2, 29), date(2023, 3, 1), date(2024, 3, 1), date(2023, 12, 31), MAY]
)
def test_the_database_counts_weeks_as_the_service_does(sessions: SyncSessions, day: date) -> None:
    add_recording(sessions, MERULA, **here(recorded_on=day))
    assert {week for _, week, _ in rows(sessions)} == {week_of(day)}


@pytest.mark.parametrize(
    ("latitude", "longitude", "row", "column"),
    [
        (-90.0, -180.0, 0, 0),
        (90.0, 0.0, ROWS - 1, COLUMNS // 2),
        (0.0, 180.0, ROWS // 2, 0),
        (0.0, 179.99, ROWS // 2, COLUMNS - 1),
        (-0.1, -0.1, ROWS // 2 - 1, COLUMNS // 2 - 1),
    ],
)
def test_poles_and_date_line_have_cells(
    sessions: SyncSessions, latitude: float, longitude: float, row: int, column: int
) -> None:
    add_recording(sessions, MERULA, **here(latitude=latitude, longitude=longitude))
    with sessions() as session:
        cells = read_counts(session).cell
    assert set(cells.tolist()) == {row * COLUMNS + column}
    assert middles(cells).shape == (len(cells), 3)


CHANGES: dict[str, dict[str, object]] = {
    "species": {"label": MAJOR},
    "place": {"latitude": 48.6},
    "date": {"recorded_on": date(2024, 7, 1)},
    "no date": {"recorded_on": None},
    "deleted": {"deleted_at": now()},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_correction_shows_in_the_fingerprint(sessions: SyncSessions, change: str) -> None:
    changed = add_recording(sessions, MERULA, **here())
    add_recording(sessions, MAJOR, **here(latitude=-30.0))
    with sessions() as session:
        before = fingerprint(session)
        assert fingerprint(session) == before
    with sessions.begin() as session:
        row = session.get_one(Recording, changed)
        for field, value in CHANGES[change].items():
            setattr(row, field, value)
    with sessions() as session:
        assert fingerprint(session) != before


def test_what_is_no_recording_leaves_the_fingerprint_as_it_is_a_new_recording_does_not(sessions: SyncSessions) -> None:
    add_recording(sessions, MERULA, **here())
    with sessions.begin() as session:
        before = fingerprint(session)
        session.add(Species(scientific_name=COLLYBITA))
    with sessions() as session:
        assert fingerprint(session) == before
    add_recording(sessions, MERULA, **here())
    with sessions() as session:
        assert fingerprint(session) != before
