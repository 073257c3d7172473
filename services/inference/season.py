"""The day in the year as a circle of weeks: the same day has the same week in every year."""

from datetime import date

import numpy as np
import numpy.typing as npt

WEEKS = 53
"""Seven days each from 1 January, as a leap year has them; the last holds 30 and 31 December only."""
YEAR_DAYS = 366
DAYS_BEFORE = (0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335)
"""Days of a leap year before each month, so that 1 March is the same day with and without a 29 February."""


def week_of(day: date) -> int:
    """0 to 52."""
    return (DAYS_BEFORE[day.month - 1] + day.day - 1) // 7


def days_to_weeks(day: date) -> npt.NDArray[np.float64]:
    """Days from the middle of the day's own week to that of each week, the short way round the year; (53,)."""
    starts = np.arange(WEEKS) * 7.0
    middles = (starts + np.minimum(starts + 7, YEAR_DAYS)) / 2
    apart = np.abs(middles - middles[week_of(day)])
    around: npt.NDArray[np.float64] = np.minimum(apart, YEAR_DAYS - apart)
    return around
