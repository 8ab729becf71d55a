"""The editions of 2016 and 2018 to the last digit, and the rules by which others differ."""

import csv
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest

from onedoor.measurement import service
from onedoor.measurement.errors import BadTable, EmptyGroup, NoEdition
from onedoor.measurement.measured import Measured
from onedoor.measurement.rules import ranking
from onedoor.measurement.tests.conftest import DATA
from onedoor.measurement.world import World


@pytest.mark.parametrize("year", [2016, 2018])
def test_all_193_countries_are_recomputed_to_their_published_ranks(editions: dict[int, Measured], year: int) -> None:
    rows = editions[year].rows()
    assert len(rows) == 193
    assert not [row for row in rows if row.rank != row.published_rank or row.worst != row.rank]
    assert all(row.agrees for row in rows)
    unit = Decimal(1).scaleb(int(rows[0].published_value.as_tuple().exponent))
    assert max(abs(row.value - row.published_value) for row in rows if row.value is not None) <= unit


def test_the_figures_of_the_programme(of_2018: Measured) -> None:
    place = of_2018.place("Viet Nam")
    assert of_2018.row(place).rank == 88
    columns = zip(of_2018.edition.indicators, of_2018.figures.parts.T, strict=True)
    parts = {part: ranking.competition(column)[place] for part, column in columns}
    assert parts == {"osi": 59, "hci": 120, "tii": 100}
    members = of_2018.members(of_2018.world.group("ASEAN"))
    assert of_2018.group_ranks(members)["Viet Nam"] == 6


def test_a_value_that_rounding_does_not_explain_is_recomputed(world: World, changed: Callable[..., Path]) -> None:
    path = changed({"Japan": {"egdi": "0.8793"}, "Luxembourg": {"egdi": "0.8344"}})
    rows = {row.country: row for row in service.measure(world, path, 2018, "egdi").rows()}
    assert (rows["Japan"].rank, rows["Japan"].value) == (10, Decimal("0.8783"))
    assert rows["Japan"].agrees is False
    assert sum(row.agrees is False for row in rows.values()) == 2


def test_a_wrong_rank_does_not_agree(world: World, changed: Callable[..., Path]) -> None:
    rows = service.measure(world, changed({"Japan": {"rank": "11"}}), 2018, "egdi").rows()
    assert [row.country for row in rows if not row.agrees] == ["Japan"]


def test_an_index_of_0_beside_other_parts_is_not_assessed(world: World, changed: Callable[..., Path]) -> None:
    path = changed({"Somalia": {"egdi": "0.0000", "rank": ""}, "Niger": {"egdi": "0", "rank": "0"}})
    measured = service.measure(world, path, 2018, "egdi")
    silent = [row for row in measured.rows() if row.value is None]
    assert {row.country for row in silent} == {"Somalia", "Niger"}
    assert all(row.rank is row.agrees is None for row in silent)
    assert len(measured.ranked) == 191


def test_an_index_of_0_with_parts_of_0_is_the_last(world: World, changed: Callable[..., Path]) -> None:
    zeros = dict.fromkeys(("egdi", "epi", "osi", "hci", "tii"), "0")
    (row,) = [row for row in service.measure(world, changed({"Somalia": zeros}), 2018, "egdi").rows() if not row.value]
    assert (row.rank, row.agrees) == (193, True)


def test_zeros_without_a_rank_are_not_assessed(world: World, changed: Callable[..., Path]) -> None:
    zeros = dict.fromkeys(("rank", "egdi", "epi", "osi", "hci", "tii"), "0")
    measured = service.measure(world, changed({"Somalia": zeros}), 2018, "egdi")
    row = measured.row(measured.place("Somalia"))
    assert row.value is row.rank is row.agrees is None
    assert len(measured.ranked) == 192


def shortened(part: str, *, of_it: bool) -> dict[str, dict[str, str]]:
    """Return *part* of every country in 2018 to two decimals, and if *of_it* the value that follows from that."""
    changes: dict[str, dict[str, str]] = {}
    for row in csv.DictReader((DATA / "egdi-2018.csv").read_text().splitlines()):
        cells = {part: str(Decimal(row[part]).quantize(Decimal("0.01")))}
        if of_it:
            mean = sum(Decimal((row | cells)[name]) for name in ("osi", "hci", "tii")) / 3
            cells["egdi"] = str(mean.quantize(Decimal("0.0001"), ROUND_HALF_UP))
        changes[row["country"]] = cells
    return changes


def test_a_part_printed_to_fewer_decimals_than_its_edition_agrees(world: World, changed: Callable[..., Path]) -> None:
    rows = service.measure(world, changed(shortened("osi", of_it=False)), 2018, "egdi").rows()
    assert all(row.agrees and row.rank == row.published_rank for row in rows)


def test_a_part_that_is_of_fewer_decimals_hides_no_difference(world: World, changed: Callable[..., Path]) -> None:
    changes = shortened("hci", of_it=True)
    changes["Japan"]["egdi"] = str(Decimal(changes["Japan"]["egdi"]) + Decimal("0.001"))
    measured = service.measure(world, changed(changes), 2018, "egdi")
    assert [measured.table.names[place] for place in np.flatnonzero(~measured.standing.agrees)] == ["Japan"]


@pytest.mark.parametrize(("year", "value"), [(2010, "0.3400"), (2008, "0.3400"), (2012, "0.3333"), (2005, "0.3333")])
def test_online_services_weigh_34_of_100_in_2008_and_2010(world: World, tmp_path: Path, year: int, value: str) -> None:
    path = tmp_path / "one.csv"
    path.write_text(f"edition,country,rank,egdi,epi,osi,hci,tii\n{year},Japan,1,{value},0,1,0,0\n")
    (row,) = service.measure(world, path, year, "egdi").rows()
    assert (row.value, row.agrees) == (Decimal(value), True)


def test_ranks_on_unrounded_values_have_a_range_where_the_data_cannot_decide(
    world: World, changed: Callable[..., Path], of_2018: Measured
) -> None:
    unrounded = service.measure(world, changed({}, edition=2020), 2020, "egdi")
    settled = of_2018.standing.settled
    tied = [place for place in range(193) if (settled == settled[place]).sum() > 1]
    open_ = [place for place in range(193) if unrounded.standing.best[place] != unrounded.standing.worst[place]]
    assert tied
    assert set(open_) <= set(tied)
    assert open_
    assert all(row.agrees for row in unrounded.rows())


def test_memberships_count_as_they_were(world: World) -> None:
    asean, wider = world.group("asean"), world.group("South East Asia")
    assert (len(asean.members("2018-07-31")), len(wider.members("2018-07-31"))) == (10, 11)
    assert asean.members("2025-10-26") - asean.members("2025-10-25") == {"TL"}


def test_a_group_without_a_member_that_year_is_refused(world: World, tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("edition,country,rank,egdi,epi,osi,hci,tii\n2005,Brazil,1,0.5,0,0.5,0.5,0.5\n")
    measured = service.measure(world, path, 2005, "egdi")
    with pytest.raises(EmptyGroup):
        measured.members(world.group("BRICS"))


def test_an_edition_without_a_definition_is_refused_with_those_there_are(world: World) -> None:
    with pytest.raises(NoEdition, match="2003, 2004, 2005, 2008"):
        service.measure(world, DATA / "egdi-2018.csv", 2019, "egdi")


def test_every_edition_has_a_source_and_thirds_but_two(world: World) -> None:
    index = world.index("egdi")
    assert sorted(index.editions) == [2003, 2004, 2005, 2008, 2010, 2012, 2014, 2016, 2018, 2020, 2022, 2024]
    weights = {year: index.edition(year).weights for year in index.editions}
    assert {year for year, found in weights.items() if found != (1, 1, 1)} == {2008, 2010}
    assert [year for year in weights if index.edition(year).ranked_on == "unrounded"] == [2020]


def test_more_decimals_than_the_edition_has_at_least_are_held_to(editions: dict[int, Measured]) -> None:
    assert editions[2016].figures.scale == 100_000
    assert editions[2018].figures.scale == 10_000
    assert str(editions[2016].value(51426)) == "0.51426"


def test_one_file_may_hold_several_editions(world: World, tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    second = (DATA / "egdi-2018.csv").read_text().partition("\n")[2]
    path.write_text((DATA / "egdi-2016.csv").read_text() + second)
    assert [one.edition.edition for one in service.every(world, path, "egdi")] == [2016, 2018]
    assert np.array_equal(service.measure(world, path, 2018, "egdi").figures.published,
                          service.measure(world, DATA / "egdi-2018.csv", 2018, "egdi").figures.published)  # fmt: skip


def test_a_country_that_is_ranked_and_has_no_row_is_named(world: World, tmp_path: Path) -> None:
    path = tmp_path / "less.csv"
    path.write_text(
        "".join(line for line in (DATA / "egdi-2018.csv").read_text().splitlines(keepends=True) if "Fiji" not in line)
    )
    with pytest.raises(BadTable, match=r"line 193, column 2 \(country\): the table ends without 1 .*Fiji"):
        service.measure(world, path, 2018, "egdi")


def test_one_value_with_more_decimals_leaves_the_rounding_of_the_others(
    world: World, changed: Callable[..., Path], of_2018: Measured
) -> None:
    found = service.measure(world, changed({"Viet Nam": {"osi": "0.888888889"}}), 2018, "egdi")
    assert (found.figures.scale, found.figures.steps) == (10**9, (10**5, 10**5, 10**5))
    place = found.place("VN")
    assert np.flatnonzero(~found.standing.agrees).tolist() == [place]
    row = found.row(place)
    assert (str(row.value), row.rank) == ("0.6441", 78)
    assert [one.rank for one in found.rows()][:70] == [one.rank for one in of_2018.rows()][:70]


def test_who_is_no_member_may_be_scored_and_not_ranked(world: World, tmp_path: Path) -> None:
    path = tmp_path / "more.csv"
    path.write_text((DATA / "egdi-2018.csv").read_text() + "2018,Hong Kong,,0.9500,0.9,0.95,0.95,0.95\n")
    measured = service.measure(world, path, 2018, "egdi")
    row = measured.row(measured.place("HK"))
    assert (str(row.value), row.rank, row.agrees) == ("0.9500", None, True)
    assert measured.row(measured.place("DK")).rank == 1


def test_an_edition_without_any_rank_is_ranked_by_its_rules(
    world: World, changed: Callable[..., Path], of_2018: Measured
) -> None:
    names = [row.country for row in of_2018.rows()]
    path = changed({name: {"rank": ""} for name in names})
    path.write_text(path.read_text() + "2018,Hong Kong,,0.9500,0.9,0.95,0.95,0.95\n")
    measured = service.measure(world, path, 2018, "egdi")
    rows = {row.country: row for row in measured.rows()}
    assert all(rows[row.country].rank == row.rank for row in of_2018.rows())
    assert {(row.published_rank, row.agrees) for row in rows.values()} == {(None, True)}
    assert rows["Hong Kong"].rank is None


def test_a_country_has_a_history(editions: dict[int, Measured]) -> None:
    found = service.history(editions.values(), "Viet Nam")
    assert {year: row.rank for year, row in found.items()} == {2016: 89, 2018: 88}


@pytest.mark.parametrize("year", [2003, 2004, 2005, 2008, 2010, 2012, 2014, 2016, 2018, 2020, 2022, 2024])
@pytest.mark.parametrize("decimals", [3, 4, 5])
def test_an_edition_published_by_its_own_rules_is_recomputed_without_a_difference(
    invented: Callable[[int, int], Measured], year: int, decimals: int
) -> None:
    found = invented(year, decimals).rows()
    assert all(row.agrees for row in found)
    if year != 2020:
        assert all(row.rank == row.published_rank == row.worst for row in found)
