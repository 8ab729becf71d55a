"""Changes that reach a goal, and reach it when they are fed back."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.measurement import goal as goals
from onedoor.measurement import service
from onedoor.measurement.errors import NoHistory, NoSuchPlace, NotAMember, NotRanked, OutOfReach
from onedoor.measurement.goal import PartChange, Way
from onedoor.measurement.measured import Measured, measure, stood
from onedoor.measurement.rules import goals as solver
from onedoor.measurement.rules import steps
from onedoor.measurement.tests.conftest import DATA
from onedoor.measurement.world import World

ZERO, ONE = Decimal(0), Decimal(1)


def features(ways: Iterable[Way]) -> Way:
    return next(way for way in ways if way.parts[0].features is not None)


@pytest.mark.parametrize(("place", "group", "count"), [(78, None, 22), (71, None, 27), (4, "ASEAN", 27)])
def test_what_would_have_moved_viet_nam_in_2018(of_2018: Measured, place: int, group: str | None, count: int) -> None:
    found = service.solve(of_2018, "Viet Nam", place, of_2018.world.group(group) if group else None)
    way = features(found.alone)
    assert (way.parts[0].part, way.parts[0].features, way.parts[0].of) == ("osi", count, 144)
    assert way.rank <= place


def test_one_feature_less_does_not_reach_it(of_2018: Measured) -> None:
    way = features(service.solve(of_2018, "VN", 78).alone)
    less = Decimal(steps.shares(144, 10_000, 1)[106 + 21].item()) / 10_000
    (part,) = way.parts
    assert fed_back(of_2018, "VN", replace(way, parts=(replace(part, after=less),))) > 78


def test_features_are_read_from_the_values(editions: dict[int, Measured]) -> None:
    counted = {}
    for year, one in editions.items():
        columns = zip(one.figures.parts.T, one.figures.steps, strict=True)
        counted[year] = [steps.features(column, one.figures.scale, step) for column, step in columns]
    assert {year: [None if one is None else len(one) - 1 for one in found] for year, found in counted.items()} == {
        2016: [138, None, None],
        2018: [144, None, None],
    }


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 400), st.booleans(), st.data())
def test_features_are_found_again(count: int, cut: bool, data: st.DataObject) -> None:
    have = data.draw(st.sets(st.integers(0, count), min_size=min(60, count)))
    values = steps.shares(count, 100_000, 1, cut=cut)[sorted(have)]
    found = steps.features(values, 100_000, 1)
    if found is None:
        assert len(have) < 8
        return
    assert len(found) - 1 <= count
    assert np.isin(values, found).mean() >= steps.FITTING


def test_a_few_values_do_not_say_how_many_features_there_are() -> None:
    assert steps.features(np.array([5000, 2500]), 10_000, 1) is None


def fed_back(measured: Measured, country: str, way: Way, group: str | None = None) -> int:
    """Return the rank when the parts of *way* stand in the table and its published value is as it was."""
    place = measured.place(country)
    parts = measured.figures.parts.copy()
    for one in way.parts:
        parts[place, measured.edition.indicators.index(one.part)] = int(one.after * measured.figures.scale)
    again = stood(
        measured.world, measured.definition, replace(measured.table, figures=replace(measured.figures, parts=parts))
    )
    return again.worst_among(place, again.field(place, measured.world.group(group) if group else None))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 192), st.integers(1, 193), st.sampled_from([2018, 2020]))
def test_a_way_reaches_its_goal_when_it_is_fed_back(
    of_2018: Measured, unrounded: Measured, row: int, place: int, year: int
) -> None:
    measured = of_2018 if year == 2018 else unrounded
    country = measured.table.names[row]
    whole = Way(tuple(PartChange(part, ZERO, ONE, None, None) for part in measured.edition.indicators), ONE, 0)
    if fed_back(measured, country, whole) > place:
        with pytest.raises(OutOfReach, match=f"it is {fed_back(measured, country, whole)}"):
            service.solve(measured, country, place)
        return
    found = service.solve(measured, country, place)
    assert found.reached == (measured.worst_among(row, measured.field(row, None)) <= place)
    for way in (*found.alone, *([found.together] if found.together else [])):
        assert way.rank <= place
        assert fed_back(measured, country, way) == way.rank


@pytest.fixture(scope="module")
def unrounded(world: World, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Give the values of 2018 under the rules of 2020."""
    path = tmp_path_factory.mktemp("unrounded") / "copy.csv"
    path.write_text((DATA / "egdi-2018.csv").read_text().replace("\n2018,", "\n2020,"))
    return measure(world, path, 2020, "egdi")


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["VN", "Cambodia", "Singapore", "Myanmar"]), st.integers(1, 10))
def test_a_place_in_a_group_is_reached_when_fed_back(of_2018: Measured, country: str, place: int) -> None:
    found = service.solve(of_2018, country, place, of_2018.world.group("ASEAN"))
    for way in found.alone:
        assert fed_back(of_2018, country, way, "ASEAN") <= place


def test_one_step_less_of_a_part_does_not_reach_it(of_2018: Measured) -> None:
    for way in service.solve(of_2018, "VN", 78).alone:
        (part,) = way.parts
        if part.features is None:
            less = replace(way, parts=(replace(part, after=part.after - Decimal("0.0001")),))
            assert fed_back(of_2018, "VN", less) > 78


def test_a_goal_out_of_reach_says_what_the_most_is(of_2018: Measured, changed: Callable[..., Path]) -> None:
    path = changed({"Denmark": {"egdi": "1.0000", "osi": "1", "hci": "1", "tii": "1"}}, edition=2020)
    measured = service.measure(of_2018.world, path, 2020, "egdi")
    with pytest.raises(OutOfReach, match=r"place 1: .* it is 2"):
        service.solve(measured, "Viet Nam", 1)


def test_questions_without_an_answer_are_refused(of_2018: Measured, changed: Callable[..., Path]) -> None:
    for place in (0, 194, -1):
        with pytest.raises(NoSuchPlace):
            service.solve(of_2018, "VN", place)
    with pytest.raises(NotAMember):
        service.solve(of_2018, "France", 1, of_2018.world.group("ASEAN"))
    with pytest.raises(NoHistory):
        service.solve(of_2018, "VN", 78, None, [of_2018])
    silent = service.measure(of_2018.world, changed({"Somalia": {"egdi": "0"}}), 2018, "egdi")
    with pytest.raises(NotRanked):
        service.solve(silent, "Somalia", 100)


def test_rivals_on_their_trend_ask_for_more_than_rivals_that_stay(editions: dict[int, Measured]) -> None:
    stays = service.solve(editions[2018], "VN", 78)
    moves = service.solve(editions[2018], "VN", 78, None, [editions[2016]])
    assert (moves.year, moves.measured) == (2020, False)
    assert moves.needed > stays.needed
    for way in moves.alone:
        (part,) = way.parts
        amount = Decimal(part.features) if part.features is not None else part.after - part.before
        assert way.low is not None
        assert way.low <= amount
        assert way.high is None or amount <= way.high
        assert way.chance is not None
        assert 0 < way.chance < 1


def test_the_same_question_has_the_same_answer(editions: dict[int, Measured]) -> None:
    first, second = (goals.solve(editions[2018], "VN", 78, None, [editions[2016]]) for _ in range(2))
    assert first == second


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 192), st.lists(st.integers(0, 31_000), min_size=1, max_size=5))
def test_amounts_of_many_fields_are_the_changes_of_each(of_2018: Measured, row: int, least: list[int]) -> None:
    own = goals._own(of_2018, row)
    for part, values in enumerate(own.features):
        for bound, amount in zip(least, solver.amounts(own, part, np.array(least)), strict=True):
            change = solver.of_part(own, part, bound)
            if change is None:
                assert np.isinf(amount)
            elif values is None:
                assert amount == change.parts[part] - own.parts[part]
            else:
                assert amount == change.features
