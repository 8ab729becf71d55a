"""A country beside itself in another edition, and beside others in this one."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from onedoor.measurement.measured import Measured, Row
from onedoor.measurement.rules import peers as nearness
from onedoor.measurement.rules.changes import Contribution, contributions

NEAREST = 5


@dataclass(frozen=True, slots=True)
class Development:
    """A country in two editions: what each part adds to the change of its value, and what rounding hides of it."""

    before: Row
    after: Row
    parts: tuple[Contribution, ...]
    rounding: Fraction


@dataclass(frozen=True, slots=True)
class Peers:
    """Who stands nearest in all parts, who is at least as good in each and better in one, who has the best of each."""

    nearest: tuple[Row, ...]
    above: tuple[Row, ...]
    best: dict[str, Row]
    at_frontier: bool


def development(before: Measured, after: Measured, country: str) -> Development:
    """Return what *country*'s change between two editions is made of; the parts and rounding add up to it exactly."""
    for one in (before, after):
        one.must_be_weighted_mean()
    places = [(one, one.ranked_place(country)) for one in (before, after)]
    values = [_values(one, place) for one, place in places]
    weights = [_weights(one) for one in (before, after)]
    parts = contributions(*values, *weights)
    old, new = (Fraction(int(one.standing.settled[place]), one.figures.scale) for one, place in places)
    rounding = new - old - sum((part.value + part.weight for part in parts), Fraction(0))
    rows = [one.row(place) for one, place in places]
    return Development(rows[0], rows[1], tuple(parts), rounding)


def history(editions: Iterable[Measured], country: str) -> dict[int, Row]:
    """Return the row of *country* in each of the *editions*, by year, the earliest first."""
    ordered = sorted(editions, key=lambda one: one.edition.edition)
    return {one.edition.edition: one.row(one.place(country)) for one in ordered}


def peers(measured: Measured, country: str, count: int = NEAREST) -> Peers:
    """Return the *count* nearest of *country*, those above it in every part, and the best in each part."""
    ranked = measured.ranked
    parts = measured.figures.parts[ranked]
    unit = int(np.flatnonzero(ranked == measured.ranked_place(country))[0])
    dominating = nearness.dominating(parts, unit)
    best = {
        part: measured.row(int(ranked[column.argmax()]))
        for part, column in zip(measured.edition.indicators, parts.T, strict=True)
    }
    return Peers(
        tuple(measured.row(int(ranked[one])) for one in nearness.nearest(parts, unit, count)),
        tuple(measured.rows(ranked[dominating])),
        best,
        not dominating.any(),
    )


def _values(measured: Measured, place: int) -> dict[str, Fraction]:
    scale = measured.figures.scale
    pairs = zip(measured.edition.indicators, measured.figures.parts[place], strict=True)
    return {part: Fraction(int(value), scale) for part, value in pairs}


def _weights(measured: Measured) -> dict[str, Fraction]:
    total = sum(measured.edition.weights)
    return {part.id: Fraction(part.weight, total) for part in measured.edition.root.parts}
