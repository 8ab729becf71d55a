"""The clock of a case: when it starts, when each step and the whole are due, and limits in words' measure; pure."""

from datetime import datetime, time
from fractions import Fraction

from onedoor.kernel.clock import Calendar, Limit
from onedoor.procedures.definition import Service, Step

SAME_DAY = "0wd"
"""The same working day: written so in a service's YAML; `Limit.parse` knows only limits of one or more."""
IN_DAYS = {"min": Fraction(1, 24 * 60), "h": Fraction(1, 24), "wh": Fraction(1, 8), "wd": Fraction(1), "d": Fraction(1)}


def limit(text: str) -> Limit:
    """Return the limit written as *text*, ``0wd`` being the same working day; raise `BadLimit`."""
    return Limit(0, "wd") if text == SAME_DAY else Limit.parse(text)


def start(service: Service, moment: datetime, calendar: Calendar) -> datetime:
    """Return when the clock starts for what was submitted at *moment*: after the cut-off with the next working day."""
    cutoff = time.fromisoformat(service.clock.cutoff) if service.clock.cutoff else None
    return calendar.counted_from(moment, cutoff)


def total(service: Service, *, verified: bool = False) -> str:
    """Return the limit of the whole, as written; longer where an officer must verify."""
    return (verified and service.clock.verified) or service.clock.total


def whole_due(service: Service, started: datetime, calendar: Calendar, *, verified: bool = False) -> datetime:
    """Return when all results are due, for a clock that started at *started*."""
    return calendar.due(started, limit(total(service, verified=verified)))


def step_due(
    service: Service, step: Step, received: datetime, calendar: Calendar, *, verified: bool = False
) -> datetime:
    """Return when *step* is due, received at *received*: after the cut-off it counts from the next working day."""
    return calendar.due(start(service, received, calendar), limit((verified and step.verified) or step.within))


def days(text: str) -> Fraction:
    """Return a limit in working days, roughly, for comparing limits with one another."""
    parsed = limit(text)
    return IN_DAYS[parsed.unit] * parsed.amount


def critical_path(service: Service) -> tuple[Fraction, list[str]]:
    """Return the longest way through the steps that are not apart: its length in working days and its steps."""
    longest: dict[str, tuple[Fraction, list[str]]] = {}

    def way_to(step: Step) -> tuple[Fraction, list[str]]:
        if step.id not in longest:
            before = [way_to(service.steps[other]) for other in step.after]
            length, steps = max(before, default=(Fraction(0), []))
            longest[step.id] = (length + days(step.within), [*steps, step.id])
        return longest[step.id]

    return max((way_to(step) for step in service.steps.values() if not step.apart), default=(Fraction(0), []))
