"""Definitions are checked, their faults named by file and line."""

import shutil
from pathlib import Path

import pytest

from onedoor.measurement import service
from onedoor.measurement.errors import BadDefinition, NoGroup, NoIndex, NotAWeightedMean, NoWorld
from onedoor.measurement.tests.conftest import WORLD

THIRDS = "weights: {osi: 1, hci: 1, tii: 1}"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WORLD, tmp_path / "world"))


def test_the_world_of_the_repository_has_no_fault() -> None:
    found, faults = service.check(WORLD)
    assert not faults
    assert found is not None
    assert len(found.groups["un"].members("2018-07-31")) == 193
    assert len(found.groups["un"].members("2005-12-31")) == 191


@pytest.mark.parametrize(
    ("file", "old", "new", "wrong"),
    [
        ("indices/egdi.yaml", "  - edition: 2018\n", "  - edition: 2016\n", "the edition 2016 is here twice"),
        ("indices/egdi.yaml", THIRDS, "weights: {osj: 1, hci: 1, tii: 1}", "there is no part “osj”; write “osi”"),
        ("indices/egdi.yaml", THIRDS, "weights: {osi: 1, hci: 1}", "“tii” has no weight; add tii: 1"),
        ("indices/egdi.yaml", "  - id: hci", "  - id: osi", "the part “osi” is here twice"),
        ("indices/egdi.yaml", "ranked_on: unrounded", "ranked_on: thumbs", "“thumbs” is not known here"),
        ("indices/egdi.yaml", "    source: UN E-Government Survey 2012\n", "", "“source” is missing here"),
        ("indices/egdi.yaml", "published: 2018-07", "published: July 2018", "write the month or day of publication"),
        ("indices/egdi.yaml", "  vi: Chỉ", "  xi: Chỉ", "“xi” is no language of this nation; write “vi”"),
        ("indices/egdi.yaml", "{group: un}", "{group: uno}", "there is no group “uno”; write “un”"),
        ("groups/asean.yaml", "codes: [TL]", "codes: [XX]", "there is no country “XX”"),
        ("groups/asean.yaml", '"2025-10-26"', '"26 October"', "write a date in quotes"),
        ("countries.csv", "AD,AND", "ad,AND", "are no codes"),
        ("countries.csv", "Ivory Coast", "Viet Nam", "means"),
    ],
)  # fmt: skip
def test_a_bad_definition_is_named_by_file_and_line(copy: Path, file: str, old: str, new: str, wrong: str) -> None:
    text = (copy / file).read_text()
    assert old in text
    (copy / file).write_text(text.replace(old, new, 1))
    with pytest.raises(BadDefinition, match=wrong.replace("(", r"\(")) as refused:
        service.world(copy)
    assert f"{file}:" in str(refused.value)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoWorld):
        service.world(tmp_path)
    world = service.world(WORLD)
    with pytest.raises(NoGroup, match="ASEAN"):
        world.group("OPEC")
    with pytest.raises(NoIndex):
        world.index("gdp")


def test_an_index_of_ones_own_ranks_names_as_written(copy: Path, tmp_path: Path) -> None:
    (copy / "indices" / "parks.yaml").write_text("""\
index: parks
name: {vi: Công viên, en: Parks, fr: Parcs}
illustrative: true
units: name
value: score
minimum: 0
maximum: 10
aggregation: geometric
parts:
  - {id: trees, name: {vi: Cây, en: Trees, fr: Arbres}, minimum: -9000, maximum: 1000, normalisation: min-max}
  - id: noise
    name: {vi: Ồn, en: Noise, fr: Bruit}
    minimum: 0
    maximum: 100
    direction: lower
    normalisation: min-max
editions:
  - edition: 2026
    published: 2026-01
    illustrative: true
    decimals: 3
    weights: {trees: 1, noise: 1}
    ranked_on: published
""")
    table = tmp_path / "parks.csv"
    table.write_text(
        "edition,country,rank,score,trees,noise\n2026,North,1,0.5,-4000,50\n2026,South,2,0.199,-8000,60.5\n"
    )
    parks = service.measure(service.world(copy), table, 2026, "parks")
    rows = parks.rows()
    assert [(row.country, str(row.value), row.agrees) for row in rows] == [
        ("North", "0.500", True),
        ("South", "0.199", True),
    ]
    for question in (
        lambda: service.solve(parks, "South", 1),
        lambda: service.certainty(parks, "South", 10, 1),
        lambda: service.development(parks, parks, "South"),
    ):
        with pytest.raises(NotAWeightedMean):
            question()


def test_a_part_of_an_index_of_countries_has_a_weight(copy: Path) -> None:
    file = copy / "indices" / "egdi.yaml"
    file.write_text(
        file.read_text().replace("weights: {osi: 34, hci: 33, tii: 33}", "weights: {osi: 67, hci: 33, tii: 0}", 1)
    )
    _, (fault,) = service.check(copy)
    assert "a part of the weight 0 is not in the mean; write 1 or more" in str(fault)
