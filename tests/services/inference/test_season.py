from datetime import date, timedelta

import numpy as np
import pytest

from services.inference.season import WEEKS, days_to_weeks, week_of

LEAP_YEAR = [date(2024, 1, 1) + timedelta(days=day) for day in range(366)]


def test_weeks_run_from_0_to_52_and_all_but_the_last_have_seven_days() -> None:
    days = np.bincount([week_of(day) for day in LEAP_YEAR])
    assert days.tolist() == [7] * 52 + [2]


def test_a_day_has_the_same_week_in_every_year() -> None:
    for day in LEAP_YEAR:
        if (day.month, day.day) != (2, 29):
            assert week_of(day) == week_of(day.replace(year=2023)) == week_of(day.replace(year=1900))


def test_29_february_lies_beside_1_march() -> None:
    apart = days_to_weeks(date(2024, 2, 29))
    assert apart[week_of(date(2024, 3, 1))] <= 7


def test_the_year_closes_to_a_circle() -> None:
    from_new_year = days_to_weeks(date(2024, 1, 1))
    assert from_new_year[week_of(date(2024, 12, 31))] == pytest.approx(4.5)
    assert from_new_year[week_of(date(2024, 12, 28))] == pytest.approx(9)
    assert from_new_year[week_of(date(2024, 1, 10))] == pytest.approx(7)
    assert from_new_year.max() == pytest.approx(182, abs=3)


def test_distances_are_symmetric_and_zero_to_the_own_week() -> None:
    table = np.stack([days_to_weeks(LEAP_YEAR[min(7 * week, 365)]) for week in range(WEEKS)])
    np.testing.assert_allclose(table, table.T)
    assert not table.diagonal().any()
