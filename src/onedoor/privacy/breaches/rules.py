"""The clock of a breach: which law holds on the day it was found, when its notice is due, and what may change."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from onedoor.kernel.clock import Limit

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Layer:
    """What the law says from a day on (until another, included): its numbers, and within which limit to give notice."""

    laws: tuple[str, ...]
    limit: Limit
    valid_from: date
    valid_until: date = date.max
    source: str = ""
    illustrative: bool = False


def in_force(layers: Iterable[Layer], day: date) -> Layer | None:
    """Return what holds on *day*; None where no law says anything."""
    return next((one for one in layers if one.valid_from <= day <= one.valid_until), None)


def hours_left(due: datetime, now: datetime) -> int:
    """Return the whole hours left until *due*, rounded down; once it has passed, minus the hours begun since."""
    return (due - now) // HOUR


def is_late(given: datetime, due: datetime) -> bool:
    """Return whether a notice *given* then came late: the last moment itself is in time."""
    return given > due


def may_be_found(before: datetime | None, found: datetime) -> bool:
    """Return whether *found* may stand where *before* stood: a clock that runs is never set back to gain time."""
    return before is None or found <= before
