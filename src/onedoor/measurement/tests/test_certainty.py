"""How sure ranks are: seeded, and true to what was published."""

from collections.abc import Callable

import numpy as np
import pytest

from onedoor.measurement import certainty, service
from onedoor.measurement.errors import BadCount
from onedoor.measurement.measured import Measured
from onedoor.measurement.rules import intervals
from onedoor.measurement.rules.intervals import ALONE, CERTAIN, Uncertain


@pytest.mark.parametrize("year", [2016, 2018])
def test_rounding_alone_leaves_every_published_rank_in_its_interval(editions: dict[int, Measured], year: int) -> None:
    found = service.rank_intervals(editions[year], ALONE["rounding"], 2000, 7)
    assert len(found) == 193
    told = {row.country: row.published_rank for row in editions[year].rows()}
    assert not [name for name, one in found.items() if not one.low <= (told[name] or 0) <= one.high]


@pytest.mark.parametrize("year", [2003, 2020])
def test_so_it_does_where_many_share_a_value(invented: Callable[[int, int], Measured], year: int) -> None:
    measured = invented(year, 3)
    found = service.rank_intervals(measured, ALONE["rounding"], 2000, 7)
    told = {row.country: row.published_rank for row in measured.rows()}
    assert len(told) > len(set(told.values())) or year == 2020
    assert not [name for name, one in found.items() if not one.low <= (told[name] or 0) <= one.high]


def test_nothing_uncertain_leaves_the_rank(of_2018: Measured) -> None:
    found = service.rank_intervals(of_2018, CERTAIN, 5, 1)
    told = {row.country: row.rank for row in of_2018.rows()}
    differ = [name for name, one in found.items() if not one.low == one.high == told[name]]
    assert set(differ) <= {name for name, rank in told.items() if list(told.values()).count(rank) > 1}


def test_the_same_seed_gives_the_same_interval_and_another_nearly_so(of_2018: Measured) -> None:
    first, again, other = (certainty.certainty(of_2018, "Viet Nam", 1000, seed) for seed in (3, 3, 4))
    assert first == again
    assert abs(first.interval.low - other.interval.low) <= 2
    assert first.interval.low <= first.interval.median <= first.interval.high
    assert set(first.alone) == {"weights", "normalisation", "aggregation", "rounding"}


def test_what_is_drawn_is_what_the_index_computes(of_2018: Measured) -> None:
    """Each method by itself, against its plain formula on one draw."""
    field = certainty.field(of_2018)
    weights = np.array([[0.3, 0.3, 0.4]])
    x = np.maximum(field.parts, intervals.FLOOR)
    low, span = field.parts.min(axis=0), np.ptp(field.parts, axis=0)
    ranked = np.array([[1 + (column < value).sum() for value in column] for column in field.parts.T]).T
    plain = {
        ("none", "arithmetic"): field.parts @ weights[0],
        ("none", "geometric"): np.exp(np.log(x) @ weights[0]),
        ("none", "harmonic"): 1 / ((1 / x) @ weights[0]),
        ("min-max", "arithmetic"): ((field.parts - low) / span) @ weights[0],
        ("min-max", "geometric"): np.exp(np.log(0.01 + 0.99 * (field.parts - low) / span) @ weights[0]),
        ("z-score", "arithmetic"): (field.parts / field.parts.std(axis=0, ddof=1)) @ weights[0],
        ("rank", "harmonic"): 1 / ((1 / ranked) @ weights[0]),
    }  # fmt: skip
    for method, wanted in plain.items():
        scores = intervals.combined(intervals.scaled(field.planes, method[0]), weights, method[1])[0]
        pairs = np.argsort(wanted)
        gaps = np.diff(wanted[pairs]) > 1e-9
        assert (np.diff(scores[pairs])[gaps] > 0).all(), method


def test_z_scores_go_with_sums_alone() -> None:
    assert [how for one, how in Uncertain().methods if one == "z-score"] == ["arithmetic"]
    assert len(Uncertain().methods) == 10


def test_equal_scores_share_their_place() -> None:
    assert intervals.positions(np.array([[0.5, 0.9, 0.5, 0.1]])).tolist() == [[1, 0, 1, 3]]


@pytest.mark.parametrize(("draws", "seed"), [(0, 1), (10**7, 1), (10, -1)])
def test_odd_counts_are_refused(of_2018: Measured, draws: int, seed: int) -> None:
    with pytest.raises(BadCount):
        certainty.certainty(of_2018, "VN", draws, seed)


def test_what_moves_a_rank_adds_up(of_2018: Measured) -> None:
    factors = service.sensitivity(of_2018, "Viet Nam", 1)
    assert [one.total for one in factors] == sorted((one.total for one in factors), reverse=True)
    assert {one.kind for one in factors} == {"weight", "rounding", "normalisation", "aggregation"}
    assert sum(one.first for one in factors) < 1.1
    assert factors[0].total > 0.3
    rounding = [one.total for one in factors if one.kind == "rounding"]
    assert max(rounding) < 0.1
