"""Time: now, limits such as ``2wd``, and the working days and hours of a nation's calendar."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import ClassVar, Literal, Self, cast
from zoneinfo import ZoneInfo

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.text import Text

Unit = Literal["min", "h", "wh", "wd", "d"]
Hours = Sequence[tuple[time, time]]

MIDNIGHT = time()
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
LONGEST_BREAK = 366
WORKING_WEEK = frozenset(range(5))

_frozen: datetime | None = None


class BadLimit(OnedoorError):
    """“{limit}” is not a limit. Please write 10min, 24h, 2wh (working hours), 3wd (working days) or 60d (days)."""


class NaiveMoment(OnedoorError):
    """The moment {moment} does not say its time zone. Please give one with its zone."""


class NoWorkingTime(OnedoorError):
    """The calendar has no working day within a year of {day}. Please correct the nation's calendar."""


def now() -> datetime:
    """Return the present moment, aware and in UTC."""
    return _frozen or datetime.now(UTC)


def moment_of(text: str) -> datetime:
    """Return the moment (ISO) that somebody else tells; raise ValueError for one without zone or on no day of ours."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None or not MINYEAR < found.year < MAXYEAR:
        raise ValueError(text)
    return found


@contextmanager
def freeze(moment: datetime) -> Iterator[None]:
    """Let `now` return *moment* (aware) in all threads of this process; for tests."""
    global _frozen  # noqa: PLW0603 - one clock per process, also for the threads of a live test server
    before, _frozen = _frozen, _aware(moment).astimezone(UTC)
    try:
        yield
    finally:
        _frozen = before


def _aware(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise NaiveMoment(moment=moment.isoformat())
    return moment


@dataclass(frozen=True, slots=True)
class Limit:
    """A length of time as the law gives it: minutes, clock hours, working hours, working days or days."""

    amount: int
    unit: Unit
    UNITS: ClassVar[tuple[str, ...]] = ("min", "h", "wh", "wd", "d")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the limit written as *text*: ``10min``, ``24h``, ``2wh``, ``3wd``, ``60d``; raise `BadLimit`."""
        found = re.fullmatch(r"([1-9][0-9]{0,4})(min|h|wh|wd|d)", text)
        if not found:
            raise BadLimit(limit=text[:20])
        return cls(int(found[1]), cast("Unit", found[2]))

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True, slots=True)
class Day:
    """What a calendar says of one day.

    ``kind`` is ``working``, ``weekend``, ``holiday``, ``substitute_off`` or ``swapped_working_day``. A day of
    confidence ``memory`` has its label but counts as the plain day of the week it is: the decision was not found yet.
    An ``illustrative`` one rests on a decision whose text or number was not found.
    """

    kind: str
    label: Text = field(default_factory=dict)
    decision: str = ""
    confidence: str = ""
    illustrative: bool = False

    @property
    def decided(self) -> bool:
        """Return whether this kind may drive behaviour."""
        return self.confidence != "memory"


class Calendar:
    """The working days and hours of a nation, in its own time zone."""

    def __init__(
        self,
        tz: ZoneInfo,
        hours: Hours,
        days: Mapping[date, Day],
        *,
        week: frozenset[int] = WORKING_WEEK,
        cutoff: time | None = None,
    ) -> None:
        self.tz = tz
        self.hours = tuple(hours)
        self.days = days
        self.week = week
        self.cutoff = cutoff

    @cached_property
    def covers(self) -> tuple[date, date] | None:
        """Return the first and the last day of the years whose special days are known."""
        if not self.days:
            return None
        return date(min(self.days).year, 1, 1), date(max(self.days).year, 12, 31)

    def is_working_day(self, day: date) -> bool:
        """Return whether public offices work on *day*."""
        special = self.days.get(day)
        if special and special.decided:
            return special.kind == "swapped_working_day"
        return day.weekday() in self.week

    def status(self, day: date) -> Day:
        """Return what the calendar says of *day*."""
        return self.days.get(day) or Day("working" if day.weekday() in self.week else "weekend")

    def local(self, moment: datetime) -> datetime:
        """Return *moment* (aware) in the calendar's time zone; raise `NaiveMoment`."""
        return _aware(moment).astimezone(self.tz)

    def next_working_day(self, day: date) -> date:
        """Return the first working day after *day*; raise `NoWorkingTime`."""
        for days in range(1, LONGEST_BREAK + 1):
            if self.is_working_day(day + timedelta(days=days)):
                return day + timedelta(days=days)
        raise NoWorkingTime(day=day)

    def next_opening(self, moment: datetime) -> datetime:
        """Return when offices open on the first working day after that of *moment*, in local time."""
        return self._at(self.next_working_day(self.local(moment).date()), self.hours[0][0])

    def counted_from(self, moment: datetime, cutoff: time | None) -> datetime:
        """Return when the clock of something received at *moment* starts, in local time.

        Received on a day off, or on a working day after *cutoff* (15:00 sharp is in time), it starts when offices open
        on the next working day; received before they open, it starts when they do; otherwise at once.
        """
        here = self.local(moment)
        late = cutoff is not None and here.time() > cutoff
        if self.is_working_day(here.date()) and not late:
            return max(here, self._at(here.date(), self.hours[0][0]))
        return self._at(self.next_working_day(here.date()), self.hours[0][0])

    def due(self, start: datetime, limit: Limit) -> datetime:
        """Return the last moment of *limit* that starts at *start*, in local time.

        Minutes and hours run on the clock, working hours only while offices work. Of working days, that of *start* is
        the first while offices still work on it: with ``1wd`` a thing is due on the same working day, which is why
        what comes after the cut-off counts from the next one. Of calendar days, the day of *start* does not count.
        Working days end with the offices' day, days with the last second before midnight.
        """
        here = self.local(start)
        if limit.unit in ("min", "h"):
            length = timedelta(minutes=limit.amount) if limit.unit == "min" else timedelta(hours=limit.amount)
            return (here.astimezone(UTC) + length).astimezone(self.tz)
        if limit.unit == "wh":
            return self._after_working(here, timedelta(hours=limit.amount))
        if limit.unit == "d":
            return self._at(here.date() + timedelta(days=limit.amount), time(23, 59, 59))
        day = here.date()
        today = self.is_working_day(day) and here < self._at(day, self.hours[-1][1])
        for _ in range(limit.amount - today):
            day = self.next_working_day(day)
        return self._at(day, self.hours[-1][1])

    def working_days_between(self, start: date, end: date) -> int:
        """Return how many working days lie after *start* up to and with *end*; negative when *end* is earlier.

        Moments (aware) count as their local day.
        """
        first, last = self._day(start), self._day(end)
        if last < first:
            return -self.working_days_between(last, first)
        return sum(self.is_working_day(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))

    def working_minutes_between(self, start: datetime, end: datetime) -> int:
        """Return the whole working minutes from *start* to *end*; negative when *end* is earlier."""
        first, last = self.local(start), self.local(end)
        if last < first:
            return -self.working_minutes_between(last, first)
        begin, finish, total = first.astimezone(UTC), last.astimezone(UTC), timedelta()
        for number in range((last.date() - first.date()).days + 1):
            for opens, closes in self._periods(first.date() + timedelta(days=number)):
                total += max(min(closes, finish) - max(opens, begin), timedelta())
        return total // MINUTE

    def _after_working(self, start: datetime, left: timedelta) -> datetime:
        """Return the moment when *left* of working time has passed since *start*."""
        at, day = start.astimezone(UTC), start.date()
        while True:
            for opens, closes in self._periods(day):
                begin = max(opens, at)
                if closes > begin and left <= closes - begin:
                    return (begin + left).astimezone(self.tz)
                left -= max(closes - begin, timedelta())
            day = self.next_working_day(day)

    def _periods(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Yield the opening and closing moments of *day*, in UTC."""
        if self.is_working_day(day):
            for opens, closes in self.hours:
                yield self._at(day, opens).astimezone(UTC), self._at(day, closes).astimezone(UTC)

    def _at(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.tz)

    def _day(self, day: date) -> date:
        return self.local(day).date() if isinstance(day, datetime) else day
