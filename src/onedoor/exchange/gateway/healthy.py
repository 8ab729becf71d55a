"""Health of the services behind a gateway (PR-OPMON): last success and failure, statistics of ten minutes."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from onedoor.exchange.gateway.records import Record

NONE = 1e18
"""More than any quantity: the least of none."""
PERIOD, PART = 600, 60
"""Seconds that the statistics cover, X-Road's default, and in how large parts they are forgotten."""


@dataclass(slots=True)
class Spread:
    """Smallest, largest, sum and sum of squares of one quantity."""

    least: float = NONE
    most: float = 0.0
    sum: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.least, self.most = min(self.least, value), max(self.most, value)
        self.sum += value
        self.squares += value * value

    def merge(self, other: "Spread") -> None:
        """Count what *other* counted as well."""
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)
        self.sum += other.sum
        self.squares += other.squares

    def told(self, count: int) -> tuple[int, float, int, float]:
        """Return least, mean, most and standard deviation of *count* values (at least one)."""
        mean = self.sum / count
        return int(self.least), mean, int(self.most), math.sqrt(max(0.0, self.squares / count - mean * mean))


@dataclass(slots=True)
class Part:
    """A minute of a service: how many succeeded and failed; duration, request and response of those that succeeded."""

    start: int
    good: int = 0
    bad: int = 0
    spreads: tuple[Spread, Spread, Spread] = field(default_factory=lambda: (Spread(), Spread(), Spread()))


@dataclass(slots=True)
class State:
    """One service: when a message last succeeded and failed (milliseconds), and its minutes."""

    kind: str = ""
    succeeded: int = 0
    failed: int = 0
    parts: list[Part] = field(default_factory=list)

    def merge(self, other: "State") -> None:
        """Count what *other* counted as well."""
        self.kind = self.kind or other.kind
        self.succeeded, self.failed = max(self.succeeded, other.succeeded), max(self.failed, other.failed)
        self.parts = [*self.parts, *other.parts]

    def over(self, now: int) -> Part:
        """Return the last ten minutes before second *now* put together."""
        whole = Part(now)
        for one in self.parts:
            if now - PERIOD < one.start <= now:
                whole.good += one.good
                whole.bad += one.bad
                for spread, other in zip(whole.spreads, one.spreads, strict=True):
                    spread.merge(other)
        return whole


class Health:
    """The services that were asked since the gateway began."""

    def __init__(self) -> None:
        self.services: dict[str, State] = {}

    def add(self, record: Record, now: int) -> None:
        """Count a message that was recorded at second *now*."""
        if not record.kind:  # no service that is offered here
            return
        state = self.services.setdefault(record.service, State(record.kind))
        start = now - now % PART
        if not state.parts or state.parts[-1].start != start:
            state.parts.append(Part(start))
            state.parts = [one for one in state.parts if now - PERIOD - PART < one.start <= now]
        part = state.parts[-1]
        if record.fault:
            part.bad, state.failed = part.bad + 1, record.moments[3]
            return
        part.good, state.succeeded = part.good + 1, record.moments[3]
        values: Sequence[int] = (record.milliseconds, *record.sizes)
        for spread, value in zip(part.spreads, values, strict=True):
            spread.add(value)


def merged(several: Iterable[Mapping[str, State]]) -> dict[str, State]:
    """Return what *several* processes saw of the services put together."""
    whole: dict[str, State] = {}
    for states in several:
        for name, one in states.items():
            whole.setdefault(name, State()).merge(one)
    return whole
