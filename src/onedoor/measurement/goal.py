"""What would move a country: the smallest changes that reach a rank, the field fixed or moving on its trend."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from onedoor.measurement.errors import HistoryTwice, NoHistory, NoSuchPlace, OutOfReach
from onedoor.measurement.measured import Measured
from onedoor.measurement.rules import exact, goals, steps
from onedoor.measurement.rules.exact import Wholes
from onedoor.measurement.rules.goals import Change, Own
from onedoor.measurement.rules.intervals import HIGH, LOW
from onedoor.measurement.rules.trend import Floats, forecast
from onedoor.measurement.world import Group

DRAWS, SEED = 10_000, 1
"""Fields that are drawn around the trend of the rivals; the same each time."""


@dataclass(frozen=True, slots=True)
class PartChange:
    """One part that must change: from, to, and by how many of how many features where they can be counted."""

    part: str
    before: Decimal
    after: Decimal
    features: int | None
    of: int | None


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the goal: what changes, and the value and rank it gives.

    With a moving field ``low`` and ``high`` are what the way takes in 5 % and 95 % of the fields drawn, in features or
    in the part's unit (None: out of reach there), and ``chance`` is the share of fields in which it reaches the goal.
    """

    parts: tuple[PartChange, ...]
    value: Decimal
    rank: int
    low: Decimal | None = None
    high: Decimal | None = None
    chance: float | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """A part that cannot reach the goal alone, and the best rank it can."""

    part: str
    most: int


@dataclass(frozen=True, slots=True)
class Goal:
    """The goal and the ways to it; no ways when it is reached already.

    ``needed`` is the value that reaches it; ``year`` the edition a moving field is looked at in; ``measured`` whether
    the history says how far trends miss.
    """

    country: str
    group: Group | None
    place: int
    now: int
    value: Decimal
    needed: Decimal
    reached: bool
    alone: tuple[Way, ...]
    together: Way | None
    blocked: tuple[Blocked, ...]
    year: int | None = None
    measured: bool | None = None


@dataclass(frozen=True)
class _Field:
    """The rivals as the solver needs them, and many draws of them where they move."""

    rivals: Wholes
    drawn: Wholes | None = None
    year: int | None = None
    measured: bool | None = None


def solve(
    measured: Measured, country: str, place: int, group: Group | None = None, history: Sequence[Measured] | None = None
) -> Goal:
    """Return what it takes *country* to reach *place* of all, or of *group*; *history* lets rivals move on their trend.

    Raises `OutOfReach` with the best place when no change of the parts reaches it.
    """
    measured.must_be_weighted_mean()
    here = measured.ranked_place(country)
    others = measured.field(here, group)
    if not 1 <= place <= len(others) + 1:
        raise NoSuchPlace(place=place, count=len(others) + 1)
    own = _own(measured, here)
    field = _Field(_rivals(measured, others)) if history is None else _moving(measured, others, history)
    least = goals.bound(field.rivals, place, own, measured.edition.ranked_on)
    now = measured.worst_among(here, others)
    reached = now <= place if history is None else own.sum >= least
    if not reached and history is None:
        least = max(least, own.seen)
    drawn = None if field.drawn is None else goals.bounds(field.drawn, place, own, measured.edition.ranked_on)
    solver = _Solver(measured, here, own, field, least, drawn)
    if own.limit < least:
        raise OutOfReach(country=measured.table.names[here], place=place, most=solver.rank(own.highest))
    return solver.goal(group, place, now, reached=reached)


def _own(measured: Measured, here: int) -> Own:
    figures, root = measured.figures, measured.edition.root
    parts = figures.parts[measured.standing.assessed]
    return Own(
        parts=tuple(int(value) for value in figures.parts[here]),
        weights=measured.edition.weights,
        steps=figures.steps,
        highest=tuple(int((part.maximum or 1) * figures.scale) for part in root.parts),
        features=tuple(
            steps.features(column, figures.scale, step) for column, step in zip(parts.T, figures.steps, strict=True)
        ),
        published=int(measured.standing.settled[here]),
        scale=figures.scale,
        step=figures.step,
    )


def _rivals(measured: Measured, others: Wholes) -> Wholes:
    if measured.edition.ranked_on == "unrounded":
        return measured.standing.high[others]
    return measured.standing.settled[others]


def _moving(measured: Measured, others: Wholes, history: Sequence[Measured]) -> _Field:
    """Return the rivals where their trend over *history* and this edition puts them in the next one."""
    others_then = [one for one in history if one.edition.edition != measured.edition.edition]
    editions = sorted([*others_then, measured], key=lambda one: one.edition.edition)
    years = [one.edition.edition for one in editions]
    if len(set(years)) < len(years):
        raise HistoryTwice(edition=next(year for year in years if years.count(year) > 1))
    if years[0] == measured.edition.edition:
        raise NoHistory
    year = years[-1] + years[-1] - years[-2]
    codes = [measured.table.codes[one] for one in others]
    values = np.array([[_value(one, code) for code in codes] for one in editions])
    found = forecast(np.array(years, dtype=np.float64), values, year)
    rng = np.random.default_rng(SEED)
    drawn = found.expected + found.error * rng.standard_normal((DRAWS, len(codes)))
    return _Field(_whole(measured, found.expected[None, :])[0], _whole(measured, drawn), year, found.measured)


def _value(measured: Measured, code: str) -> float:
    place = measured.table.places.get(code)
    if place is None or not measured.standing.ranked[place]:
        return float("nan")
    return float(measured.standing.settled[place]) / measured.figures.scale


def _whole(measured: Measured, values: Floats) -> Wholes:
    """Return *values* within the index's scale as the solver compares them."""
    figures, root = measured.figures, measured.edition.root
    values = np.clip(values, float(root.minimum or 0), float(root.maximum or 1)) * figures.scale
    if measured.edition.ranked_on == "unrounded":
        return np.rint(values * 2 * sum(measured.edition.weights)).astype(np.int64)
    return np.rint(values / figures.step).astype(np.int64) * figures.step


@dataclass(frozen=True)
class _Solver:
    """Finds the ways of one unit to the numerator ``least`` (``drawn``: that of each field drawn)."""

    measured: Measured
    here: int
    own: Own
    field: _Field
    least: int
    drawn: Wholes | None

    def goal(self, group: Group | None, place: int, now: int, *, reached: bool) -> Goal:
        found = [] if reached else [goals.of_part(self.own, part, self.least) for part in range(len(self.own.parts))]
        ways = [self._way(change) for change in found if change]
        ways.sort(key=lambda way: sum(part.after - part.before for part in way.parts))
        both = None if reached else goals.together(self.own, self.least)
        total = sum(self.own.weights)
        needed = int(exact.rounded(np.array([self.least]), total, self.own.step)[0])
        return Goal(
            country=self.measured.table.names[self.here],
            group=group,
            place=place,
            now=now,
            value=self.measured.value(int(self.measured.standing.settled[self.here])),
            needed=self.measured.value(needed),
            reached=reached,
            alone=tuple(ways),
            together=self._way(both) if both else None,
            blocked=tuple(self._blocked(part) for part, change in enumerate(found) if change is None),
            year=self.field.year,
            measured=self.field.measured,
        )

    def rank(self, parts: Sequence[int]) -> int:
        """Return the rank that *parts* give, the worst one where the data cannot decide."""
        total = sum(w * x for w, x in zip(self.own.weights, parts, strict=True))
        if self.measured.edition.ranked_on == "unrounded":
            return 1 + int((self.field.rivals > 2 * total - self.own.slack).sum())
        return 1 + int((self.field.rivals > self._rounded(parts)).sum())

    def _rounded(self, parts: Sequence[int]) -> int:
        total = sum(w * x for w, x in zip(self.own.weights, parts, strict=True))
        return int(exact.rounded(np.array([total]), sum(self.own.weights), self.own.step)[0])

    def _blocked(self, part: int) -> Blocked:
        top = [*self.own.parts[:part], self.own.highest[part], *self.own.parts[part + 1 :]]
        return Blocked(self.measured.edition.indicators[part], self.rank(top))

    def _way(self, change: Change) -> Way:
        rank, value = self.rank(change.parts), self.measured.value(self._rounded(change.parts))
        parts = tuple(self._parts(change))
        if self.drawn is None:
            return Way(parts, value, rank)
        total = sum(w * x for w, x in zip(self.own.weights, change.parts, strict=True))
        low, high = self._spread(change.part, self.drawn) if change.part is not None else (None, None)
        return Way(parts, value, rank, low, high, float((self.drawn <= total).mean()))

    def _spread(self, part: int, least: Wholes) -> tuple[Decimal | None, Decimal | None]:
        """Return what the change of *part* comes to at 5 % and 95 % of the fields."""
        amounts = np.sort(goals.amounts(self.own, part, least))
        ends = [amounts[int(np.ceil(share * len(amounts))) - 1] for share in (LOW, HIGH)]
        counted = self.own.features[part] is not None
        step = self.own.steps[part]
        told = [
            None if np.isinf(end) else Decimal(int(end)) if counted else self.measured.decimal(int(end) * step, step)
            for end in ends
        ]
        return told[0], told[1]

    def _parts(self, change: Change) -> list[PartChange]:
        changed = [part for part, (old, new) in enumerate(zip(self.own.parts, change.parts, strict=True)) if old != new]
        return [
            PartChange(
                self.measured.edition.indicators[part],
                self.measured.decimal(self.own.parts[part], self.own.steps[part]),
                self.measured.decimal(change.parts[part], self.own.steps[part]),
                change.features,
                change.of,
            )
            for part in changed
        ]
