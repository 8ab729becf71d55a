"""Time: limits, working days, working hours, the cut-off."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.kernel import clock
from onedoor.kernel.clock import BadLimit, Calendar, Day, Limit, NaiveMoment, NoWorkingTime

TZ = ZoneInfo("Asia/Ho_Chi_Minh")
HOURS = [(time(8), time(12)), (time(13), time(17))]
DAYS = {
    date(2026, 8, 22): Day("swapped_working_day", {}, "9441/TB-BNV (2025)", "press"),
    date(2026, 8, 31): Day("substitute_off", {}, "9441/TB-BNV (2025)", "press"),
    date(2026, 9, 1): Day("holiday", {}, "9441/TB-BNV (2025)", "press"),
    date(2026, 9, 2): Day("holiday", {}, "9441/TB-BNV (2025)", "press"),
    date(2027, 2, 5): Day("holiday", {"en": "Lunar New Year"}, "Labour Code", "memory"),
}
VN = Calendar(TZ, HOURS, DAYS, cutoff=time(15))
PARIS = Calendar(ZoneInfo("Europe/Paris"), [(time(9), time(17, 30))], {})
FIRST = datetime(2026, 8, 1, tzinfo=TZ)
MOMENTS = st.integers(0, 210 * 86_400).map(lambda seconds: FIRST + timedelta(seconds=seconds))
DATES = st.dates(date(2026, 8, 1), date(2027, 3, 1))
LIMITS = st.builds(Limit, st.integers(1, 60), st.sampled_from(Limit.UNITS))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TZ)


@pytest.mark.parametrize("text", ["10min", "24h", "2wh", "3wd", "7wd", "60d"])
def test_a_limit_is_written_as_it_is_read(text):
    assert str(Limit.parse(text)) == text


@pytest.mark.parametrize("text", ["", "3", "wd", "0wd", "-1d", "1.5h", "3 wd", "3WD", "03d", "999999d", "3wd ", "٣d"])
def test_what_is_no_limit_is_refused(text):
    with pytest.raises(BadLimit):
        Limit.parse(text)


def test_now_is_aware_and_can_be_frozen():
    assert clock.now().utcoffset() == timedelta(0)
    with clock.freeze(at("2026-11-02T09:00")):
        assert clock.now() == at("2026-11-02T09:00")
        with clock.freeze(at("2026-11-03T09:00")):
            assert clock.now() == at("2026-11-03T09:00")
        assert clock.now() == at("2026-11-02T09:00")
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
    with pytest.raises(NaiveMoment), clock.freeze(datetime(2026, 1, 1)):  # noqa: DTZ001 - the fault itself
        pass


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2026-08-21", True),
        ("2026-08-22", True),
        ("2026-08-23", False),
        ("2026-08-29", False),
        ("2026-08-31", False),
        ("2026-09-02", False),
        ("2026-09-03", True),
        ("2027-02-05", True),
    ],
)
def test_special_days_are_off_or_worked_as_decided(day, working):
    assert VN.is_working_day(date.fromisoformat(day)) is working


def test_a_day_known_from_memory_has_its_label_and_changes_nothing():
    day = VN.status(date(2027, 2, 5))
    assert (day.kind, day.decided, day.label["en"]) == ("holiday", False, "Lunar New Year")
    assert VN.status(date(2027, 2, 6)).kind == "weekend"
    assert VN.covers == (date(2026, 1, 1), date(2027, 12, 31))


@pytest.mark.parametrize(
    ("received", "counted"),
    [
        ("2026-11-02T09:30", "2026-11-02T09:30"),
        ("2026-11-02T15:00", "2026-11-02T15:00"),
        ("2026-11-02T15:00:01", "2026-11-03T08:00"),
        ("2026-11-06T16:00", "2026-11-09T08:00"),
        ("2026-11-07T09:00", "2026-11-09T08:00"),
        ("2026-08-21T15:30", "2026-08-22T08:00"),
        ("2026-08-28T15:30", "2026-09-03T08:00"),
        ("2026-11-02T06:00", "2026-11-02T08:00"),
    ],
)
def test_what_comes_after_15_00_counts_from_the_next_working_day(received, counted):
    assert VN.counted_from(at(received), VN.cutoff) == at(counted)


def test_without_a_cut_off_only_days_off_move_the_start():
    assert VN.counted_from(at("2026-11-02T23:00"), None) == at("2026-11-02T23:00")
    assert VN.counted_from(at("2026-11-01T23:00"), None) == at("2026-11-02T08:00")


@pytest.mark.parametrize(
    ("start", "limit", "due"),
    [
        ("2026-11-02T23:55", "10min", "2026-11-03T00:05"),
        ("2026-11-06T16:00", "24h", "2026-11-07T16:00"),
        ("2026-11-02T09:00", "2wh", "2026-11-02T11:00"),
        ("2026-11-02T10:00", "2wh", "2026-11-02T12:00"),
        ("2026-11-02T11:00", "2wh", "2026-11-02T14:00"),
        ("2026-11-02T16:30", "2wh", "2026-11-03T09:30"),
        ("2026-11-07T02:00", "2wh", "2026-11-09T10:00"),
        ("2026-11-02T00:00", "9wh", "2026-11-03T09:00"),
        ("2026-11-02T09:00", "3wd", "2026-11-04T17:00"),
        ("2026-12-04T08:00", "3wd", "2026-12-08T17:00"),
        ("2026-11-06T09:00", "1wd", "2026-11-06T17:00"),
        ("2026-11-06T17:00", "1wd", "2026-11-09T17:00"),
        ("2026-08-21T09:00", "2wd", "2026-08-22T17:00"),
        ("2026-08-28T09:00", "3wd", "2026-09-04T17:00"),
        ("2026-11-02T09:00", "60d", "2027-01-01T23:59:59"),
    ],
)
def test_limits_end_when_the_calendar_says(start, limit, due):
    assert VN.due(at(start), Limit.parse(limit)) == at(due)


def test_clock_hours_stay_true_over_a_change_of_summer_time():
    start = datetime(2026, 10, 24, 12, tzinfo=PARIS.tz)
    due = PARIS.due(start, Limit.parse("24h"))
    assert due - start.astimezone(UTC) == timedelta(hours=24)
    assert due.time() == time(11)


def test_a_naive_moment_is_refused():
    with pytest.raises(NaiveMoment):
        VN.due(datetime(2026, 1, 1), Limit.parse("1d"))  # noqa: DTZ001 - the fault itself


def test_a_calendar_without_working_days_says_so():
    empty = Calendar(TZ, HOURS, {}, week=frozenset())
    with pytest.raises(NoWorkingTime):
        empty.due(at("2026-11-02T09:00"), Limit.parse("1wd"))
    with pytest.raises(NoWorkingTime):
        empty.due(at("2026-11-02T09:00"), Limit.parse("1wh"))


@given(MOMENTS, MOMENTS, LIMITS)
def test_who_starts_earlier_is_due_no_later(one, two, limit):
    first, second = sorted([one, two])
    assert VN.due(first, limit) <= VN.due(second, limit)
    assert VN.counted_from(first, time(15)) <= VN.counted_from(second, time(15))


@given(MOMENTS, st.integers(1, 40), st.sampled_from(Limit.UNITS))
def test_a_longer_limit_ends_later_and_never_before_its_start(start, amount, unit):
    due = VN.due(start, Limit(amount, unit))
    assert start < due < VN.due(start, Limit(amount + 1, unit))


@given(MOMENTS, st.integers(1, 40))
def test_working_limits_end_at_work(start, amount):
    for unit in ("wh", "wd"):
        due = VN.due(start, Limit(amount, unit))
        assert VN.is_working_day(due.date())
        assert any(opens < due.time() <= closes for opens, closes in HOURS)
    today = VN.is_working_day(start.date()) and start.time() < HOURS[-1][1]
    assert VN.working_days_between(start, VN.due(start, Limit(amount, "wd"))) == amount - today
    assert VN.working_minutes_between(start, VN.due(start, Limit(amount, "wh"))) == amount * 60


@given(MOMENTS)
def test_counting_starts_on_a_working_day_and_stays_where_it_is(moment):
    start = VN.counted_from(moment, time(15))
    assert start >= moment
    assert VN.is_working_day(start.date())
    assert VN.counted_from(start, time(15)) == start


@given(DATES, DATES, DATES)
def test_working_days_add_up(one, two, three):
    assert VN.working_days_between(one, two) + VN.working_days_between(two, three) == VN.working_days_between(
        one, three
    )
    assert VN.working_days_between(one, two) == -VN.working_days_between(two, one)


@given(DATES)
def test_a_whole_working_day_has_eight_hours(day):
    start = datetime.combine(day, time(), TZ)
    minutes = VN.working_minutes_between(start, start + timedelta(days=1))
    assert minutes == (480 if VN.is_working_day(day) else 0)
    assert VN.working_minutes_between(start + timedelta(days=1), start) == -minutes


def test_the_zone_of_the_moment_given_does_not_matter():
    moment = at("2026-11-02T15:30")
    assert VN.counted_from(moment.astimezone(UTC), time(15)) == VN.counted_from(moment, time(15))
    assert VN.due(moment.astimezone(UTC), Limit.parse("1wd")) == VN.due(moment, Limit.parse("1wd"))
