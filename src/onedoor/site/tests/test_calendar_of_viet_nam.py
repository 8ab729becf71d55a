"""Viet Nam's calendar from 2018 to 2027 against the library `holidays`: every difference has its reason."""

import csv
import re
from datetime import date, timedelta

import holidays
import pytest

from onedoor.kernel import nation, settings
from onedoor.kernel.clock import Calendar
from onedoor.site import kinds

FOLDER = settings.REPOSITORY / "nations" / "vietnam"
FIRST, LAST = date(2018, 1, 1), date(2027, 12, 31)
NO_DECISION_YET = "the leave of 2027 was not decided when the table was written; the library computes one"
OFF_ONLY_THERE = {
    date(2025, 2, 1): "a Saturday after the five working days of leave: off without a decision",
    date(2027, 2, 4): NO_DECISION_YET,
    date(2027, 2, 5): f"{NO_DECISION_YET}; here the eve of the new year is a label of confidence memory",
    date(2027, 2, 8): NO_DECISION_YET,
    date(2027, 2, 9): NO_DECISION_YET,
    date(2027, 2, 10): NO_DECISION_YET,
    date(2027, 4, 16): "the day of the lunar month is computed, by nobody official yet: a label of confidence memory",
    date(2027, 9, 3): "the second day of National Day 2027 lies before or after it, and is not chosen yet",
}
"""Days off in the library that the table does not hold as decided, with the reason."""
OFF_ONLY_HERE = {date(2026, 1, 2): "12729/VPCP-KGVX of 25/12/2025, which came after the library's list"}
WORKED_ONLY_HERE = {date(2026, 1, 10): "worked for 2026-01-02, by the same decision"}


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    kinds.load()
    return nation.load(FOLDER).calendar


@pytest.fixture(scope="module")
def library() -> holidays.HolidayBase:
    return holidays.country_holidays("VN", years=range(FIRST.year, LAST.year + 1))


def days() -> list[date]:
    return [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


def test_it_covers_the_ten_years_whole(calendar: Calendar) -> None:
    assert calendar.covers == (FIRST, LAST)
    for year in range(FIRST.year, LAST.year + 1):
        fixed = [date(year, month, day) for month, day in ((1, 1), (4, 30), (5, 1), (9, 2))]
        assert not [day for day in fixed if calendar.status(day).kind != "holiday" or not calendar.status(day).decided]


def test_a_day_the_library_has_off_is_off_here_or_its_reason_is_known(
    calendar: Calendar, library: holidays.HolidayBase
) -> None:
    decided = {day for day, found in calendar.days.items() if found.decided and found.kind != "swapped_working_day"}
    # A weekend day needs no row: it is off on both sides, except where the library names a day of the leave.
    only_there = {day for day in library if day not in decided and (day.weekday() < 5 or day in OFF_ONLY_THERE)}
    assert only_there == set(OFF_ONLY_THERE)
    assert decided - set(library) == set(OFF_ONLY_HERE)


def test_a_weekend_worked_is_the_same_on_both_sides(calendar: Calendar, library: holidays.HolidayBase) -> None:
    here = {day for day, found in calendar.days.items() if found.kind == "swapped_working_day"}
    there = {day for day in library.weekend_workdays if FIRST <= day <= LAST}
    assert here - there == set(WORKED_ONLY_HERE)
    assert there <= here


def test_offices_work_on_the_same_days_but_for_the_differences(
    calendar: Calendar, library: holidays.HolidayBase
) -> None:
    different = {day for day in days() if calendar.is_working_day(day) != library.is_working_day(day)}
    weekdays = {day for day in OFF_ONLY_THERE if day.weekday() < 5}
    assert different == weekdays | set(OFF_ONLY_HERE) | set(WORKED_ONLY_HERE)


def test_every_day_has_the_number_of_its_decision_or_says_that_it_is_illustrative(calendar: Calendar) -> None:
    for day, found in calendar.days.items():
        assert found.decision
        assert found.illustrative or re.search(r"\d+/", found.decision), day
        assert found.illustrative == (not found.decided or not re.search(r"\d+/", found.decision)), day


def test_a_day_of_confidence_memory_has_a_label_and_counts_as_its_day_of_the_week(calendar: Calendar) -> None:
    remembered = {day: found for day, found in calendar.days.items() if found.confidence == "memory"}
    assert remembered
    for day, found in remembered.items():
        assert found.label["vi"]
        assert calendar.is_working_day(day) == (day.weekday() < 5)


def test_the_reason_of_a_difference_stands_in_the_table_too() -> None:
    with (FOLDER / "calendar" / "days.csv").open(encoding="utf-8") as file:
        rows = {date.fromisoformat(row["date"]): row for row in csv.DictReader(file)}
    for day in (*OFF_ONLY_HERE, *WORKED_ONLY_HERE):
        assert "12729/VPCP-KGVX" in rows[day]["decision"]
