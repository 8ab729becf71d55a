"""Points of indicators: exact, never more than there are, and what composite's “distance to goal” gives in floats."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.measurement.rules import composite, points
from onedoor.measurement.rules.index import Part

SHARES = st.fractions(min_value=0, max_value=1, max_denominator=10_000)
GOALS = st.none() | st.decimals(min_value="0.01", max_value="1", places=2)
PARTS = st.builds(Part, id=st.just("one"), weight=st.integers(0, 100), goal=GOALS)


@given(PARTS, SHARES)
def test_points_are_those_of_the_distance_to_the_goal(part: Part, value: Fraction) -> None:
    goal = Part("one", minimum=Decimal(0), maximum=Decimal(1), goal=part.goal or 1, normalisation="distance to goal")
    (scored,) = composite.normalise(goal, np.array([float(value)]))
    assert float(points.points(part, value)) == pytest.approx(part.weight * scored)


@given(PARTS, SHARES, SHARES)
def test_more_never_gives_less_and_the_threshold_gives_all(part: Part, one: Fraction, other: Fraction) -> None:
    low, high = sorted((one, other))
    assert 0 <= points.points(part, low) <= points.points(part, high) <= part.weight
    if part.goal is not None and high >= Fraction(part.goal):
        assert points.points(part, high) == part.weight


@given(st.lists(st.tuples(PARTS, st.none() | SHARES), min_size=1, max_size=8))
def test_what_is_not_measured_takes_its_points_out_and_is_no_zero(found: list[tuple[Part, Fraction | None]]) -> None:
    parts = tuple(Part(f"i{n}", part.weight, goal=part.goal) for n, (part, _) in enumerate(found))
    values = {f"i{n}": value for n, (_, value) in enumerate(found)}
    whole = points.score(Part("whole", parts=parts), values)
    measured = [n for n, (_, value) in enumerate(found) if value is not None]
    assert whole.most == sum(part.weight for part in parts)
    assert whole.measured == sum(parts[n].weight for n in measured)
    assert whole.points == sum((points.points(parts[n], values[f"i{n}"] or Fraction(0)) for n in measured), Fraction(0))


@given(st.fractions(min_value=0, max_value=1000), st.integers(0, 6))
def test_rounding_is_half_up_and_off_by_half_a_step_at_most(value: Fraction, decimals: int) -> None:
    found = points.rounded(value, decimals)
    assert -found.as_tuple().exponent == decimals
    off = Fraction(found) - value
    assert -Fraction(1, 2 * 10**decimals) < off <= Fraction(1, 2 * 10**decimals)


def test_a_share_of_nothing_is_none() -> None:
    assert points.share(0, 0) is None
    assert points.share(0, 3) == 0
