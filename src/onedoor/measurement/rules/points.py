"""Points of an index of agencies, in whole numbers and fractions: an indicator is a share, and gives points for it.

An indicator gives its full points from its threshold on (``goal``), below it the share over the threshold of them, and
with no threshold its share of them: the normalisation “distance to goal” of `composite`, exactly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from onedoor.measurement.rules.index import Part

VERSION = 1
"""Of the rule in this module; shown beside what it gave."""
WHOLE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Score:
    """What was reached: ``points`` of the most that were ``measured``, of ``most`` in all: not measured is no zero."""

    points: Fraction
    measured: int
    most: int


def share(numerator: int, denominator: int) -> Fraction | None:
    """Return one count over another; there is none where nothing was counted."""
    return Fraction(numerator, denominator) if denominator else None


def points(part: Part, value: Fraction) -> Fraction:
    """Return the points that the indicator *part* gives for *value*: ``part.weight`` at most."""
    goal = Fraction(part.goal) if part.goal is not None else WHOLE
    return part.weight * min(max(value, Fraction(0)) / goal, WHOLE)


def score(part: Part, values: Mapping[str, Fraction | None]) -> Score:
    """Return the score of *part* from the values of the indicators below it; None is not measured."""
    if part.parts:
        return total(score(one, values) for one in part.parts)
    value = values.get(part.id)
    if value is None:
        return Score(Fraction(0), 0, part.weight)
    return Score(points(part, value) if part.weight else Fraction(0), part.weight, part.weight)


def total(scores: Iterable[Score]) -> Score:
    """Return the sum of *scores*."""
    found = list(scores)
    return Score(
        sum((one.points for one in found), Fraction(0)),
        sum(one.measured for one in found),
        sum(one.most for one in found),
    )


def rounded(value: Fraction, decimals: int) -> Decimal:
    """Return *value* rounded half up to so many *decimals*."""
    wholes = (2 * value * 10**decimals + 1) // 2
    return Decimal(int(wholes)).scaleb(-decimals)
