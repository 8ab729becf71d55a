"""The world of the repository and its two editions."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from onedoor.measurement import service
from onedoor.measurement.measured import Measured
from onedoor.measurement.rules import exact, ranking
from onedoor.measurement.world import World

WORLD = Path(__file__).parents[4] / "nations" / "world"
DATA = WORLD / "data"
Cells = Mapping[str, str]


@pytest.fixture(scope="session")
def world() -> World:
    return service.world(WORLD)


@pytest.fixture(scope="session")
def editions(world: World) -> dict[int, Measured]:
    return {year: service.measure(world, DATA / f"egdi-{year}.csv", year, "egdi") for year in (2016, 2018)}


@pytest.fixture(scope="session")
def of_2018(editions: dict[int, Measured]) -> Measured:
    return editions[2018]


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes a copy of an edition's table with cells changed, by country."""

    def write(changes: Mapping[str, Cells], year: int = 2018, edition: int | None = None) -> Path:
        with (DATA / f"egdi-{year}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        path = tmp_path / "changed.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            for row in rows:
                year_told = {"edition": str(edition)} if edition else {}
                writer.writerow(row | year_told | changes.get(row["country"], {}))
        return path

    return write


@pytest.fixture
def invented(world: World, tmp_path: Path) -> Callable[[int, int], Measured]:
    """Give a function that measures invented parts of nine digits, published as an edition does to some decimals."""

    def measured(year: int, decimals: int) -> Measured:
        definition = world.index("egdi")
        rng = np.random.default_rng(year * 10 + decimals)
        members = sorted(world.groups["un"].members(definition.day(year)))
        fine = rng.integers(0, 10**9, (len(members), 3))
        sums, total = fine @ np.array(definition.edition(year).weights), sum(definition.edition(year).weights)
        unit = 10 ** (9 - decimals)
        values = exact.rounded(sums, total, unit) // unit
        parts = exact.rounded(fine, 1, unit) // unit
        ranks = ranking.competition(sums if year == 2020 else values)
        rows = [
            ",".join([str(year), code, str(rank), *(f"{one / 10**decimals:.{decimals}f}" for one in (value, 0, *own))])
            for code, rank, value, own in zip(members, ranks, values, parts, strict=True)
        ]
        path = tmp_path / "published.csv"
        path.write_text("\n".join(["edition,country,rank,egdi,epi,osi,hci,tii", *rows]))
        return service.measure(world, path, year, "egdi")

    return measured
