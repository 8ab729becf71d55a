"""What can be taken away: tables that programs read, pictures that stand alone."""

import csv
import io
import json
import re
import resource
import struct
from pathlib import Path

import pytest
from django.test import Client
from lxml import etree
from sdmx.model import v30
from sdmx.model.common import ActionType
from sdmx.reader.csv import Reader

from onedoor.measurement import drawing, plots
from onedoor.measurement.measured import Measured
from onedoor.measurement.pages import downloads

DATA = "/en/figures/egdi/data"
SOURCE = Path(__file__).parents[2]
PNG = b"\x89PNG\r\n\x1a\n"


def test_csv_has_a_row_for_each_country_with_what_was_published_and_recomputed(
    client: Client, of_2018: Measured
) -> None:
    answer = client.get(f"{DATA}/csv?edition=2018")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="egdi-2018.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == 193
    assert [int(row["rank"]) for row in rows] == sorted(int(row["rank"]) for row in rows)
    (own,) = [row for row in rows if row["code"] == "VN"]
    assert own == {
        "edition": "2018", "code": "VN", "country": "Viet Nam", "value": "0.5931", "published_value": "0.5931",
        "rank": "88", "worst": "88", "published_rank": "88", "agrees": "true", "low": "87", "high": "96",
        "osi": "0.7361", "hci": "0.6543", "tii": "0.3890",
    }  # fmt: skip
    assert {row["country"] for row in rows} == set(of_2018.table.names)


def test_json_says_its_source_licence_and_the_versions_of_its_rules(client: Client) -> None:
    answer = client.get(f"{DATA}/json?group=asean")
    told = json.loads(answer.content)
    assert answer["Content-Type"] == "application/json"
    assert (told["index"], told["edition"], told["group"]) == ("egdi", 2018, "asean")
    assert told["source"] == "UN E-Government Survey 2018"
    assert set(told["licence"]) == {"vi", "en", "fr"}
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", one) for one in told["definition"].values())
    assert len(told["rows"]) == 10
    for row in told["rows"]:
        assert isinstance(row["value"], str)
        assert isinstance(row["rank"], int)
        assert row["low"] <= row["high"]
        assert row["agrees"] is True


def test_sdmx_csv_has_the_columns_of_its_second_version(client: Client) -> None:
    """STRUCTURE, STRUCTURE_ID, ACTION; then dimensions, the observation, attributes (SDMX-CSV field guide 2.0)."""
    answer = client.get(f"{DATA}/sdmx?edition=2016")
    assert answer["Content-Type"].startswith("application/vnd.sdmx.data+csv; version=2.0.0")
    header, *rows = csv.reader(io.StringIO(answer.content.decode()))
    assert header[:3] == ["STRUCTURE", "STRUCTURE_ID", "ACTION"]
    assert header[3:] == ["REF_AREA", "INDICATOR", "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS", "DECIMALS", "SOURCE"]
    assert len(rows) == 193 * 5
    assert {tuple(row[:3]) for row in rows} == {("dataflow", "ONEDOOR:EGDI(1.0)", "I")}
    assert len({tuple(row[3:6]) for row in rows}) == len(rows), "dimensions identify an observation"
    assert all(re.fullmatch("[0-9]+([.][0-9]+)?", row[6]) and row[7] == "A" for row in rows)
    (own,) = [row for row in rows if row[3:6] == ["VN", "EGDI", "2016"]]
    assert own[6:] == ["0.51426", "A", "5", "UN E-Government Survey 2016"]


def test_an_independent_reader_takes_sdmx_csv_and_knows_every_column(client: Client) -> None:
    """sdmx1 holds it to the fixed columns, the kinds of structures and the actions of SDMX-CSV 2.0."""
    structure = v30.DataStructureDefinition(id="EGDI")
    for name in downloads.DIMENSIONS:
        structure.dimensions.append(v30.Dimension(id=name))
    structure.measures.append(v30.Measure(id="OBS_VALUE"))
    for name in downloads.ATTRIBUTES:
        structure.attributes.append(v30.DataAttribute(id=name))
    reader = Reader()
    content = client.get(f"{DATA}/sdmx?edition=2018").content
    (told,) = reader.convert(io.BytesIO(content), structure=structure).data
    assert told.action == ActionType.information
    assert reader.options.custom_columns == []
    assert len(told.obs) == 193 * 5
    found = {tuple(str(part.value) for part in one.dimension.values.values()): one for one in told.obs}
    own = found["VN", "EGDI_RANK", "2018"]
    assert (own.value, own.attached_attribute["OBS_STATUS"].value) == ("88", "A")
    for wrong in (b"STRUCTURE,STRUCTURE_ID", b"dataflow,ONEDOOR"):
        with pytest.raises((ValueError, AssertionError)):
            Reader().convert(io.BytesIO(content.replace(wrong, wrong[1:])), structure=structure)


def test_sdmx_csv_keeps_to_the_rules_of_the_table_it_is(client: Client) -> None:
    """RFC 4180, and the field guide: every line as long as the first, decimals with a point, one action, no labels."""
    content = client.get(f"{DATA}/sdmx?edition=2018").content.decode()
    assert content.count("\r\n") == content.count("\n") == 193 * 5 + 1
    header, *rows = csv.reader(io.StringIO(content), strict=True)
    assert {len(row) for row in rows} == {len(header)}
    assert all(re.fullmatch("[A-Z][A-Z0-9_]*", name) for name in header)
    assert all(re.fullmatch(r"[A-Z]+:[A-Z]+\([0-9]+\.[0-9]+\)", row[1]) for row in rows)
    assert all(len(row[6].partition(".")[2]) == int(row[8]) for row in rows), "DECIMALS says how many there are"


@pytest.mark.parametrize("name", ["VN/waterfall", "map"])
def test_a_picture_is_sound_svg_that_needs_no_style_sheet(client: Client, name: str) -> None:
    answer = client.get(f"/vi/figures/egdi/{name}.svg?group=asean")
    assert answer["Content-Type"] == "image/svg+xml"
    root = etree.fromstring(answer.content)
    assert etree.QName(root).localname == "svg"
    assert b"var(" not in answer.content
    assert b"style" not in answer.content
    texts = "".join(root.itertext())
    assert "UN DESA" in texts
    assert ("Việt Nam" in texts) != (name == "map")
    if name == "map":
        assert len(re.findall(r">[A-Z]{2}</text>|>[A-Z]{2}<", answer.content.decode())) == 193


def test_a_picture_is_png_too(client: Client) -> None:
    answer = client.get("/vi/figures/egdi/VN/waterfall.png?group=asean")
    assert answer["Content-Type"] == "image/png"
    assert answer.content.startswith(PNG)
    width, height = struct.unpack(">II", answer.content[16:24])
    assert width > 1000
    assert height > 500


@pytest.mark.parametrize(
    "path", ["data/xlsx", "map.gif", "VN/history.pdf", "VN/nothing.svg", "VN/waterfall.svg?edition=2016"]
)
def test_what_cannot_be_taken_away_is_not_found(client: Client, path: str) -> None:
    assert client.get(f"/en/figures/egdi/{path}").status_code == 404


def test_what_is_drawn_once_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = plots.bars([plots.Bar("one", "50%", 0.5, 0.4, 0.3, 0.6)], plots.NARROW)
    (first,) = drawing.svgs([spec])
    assert first is not None
    monkeypatch.setattr(drawing.subprocess, "run", None)
    assert drawing.svgs([spec]) == [first]


def test_a_place_that_takes_no_pictures_breaks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no-folder").touch()
    monkeypatch.setattr(drawing, "kept", lambda: tmp_path / "no-folder")
    assert drawing.svgs([plots.history([plots.Point("2018", 3, None, None)], plots.WIDE)]) == [None]


def test_drawing_that_fails_leaves_no_picture_and_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing.sys, "executable", "/bin/false")
    assert drawing.svgs([plots.history([plots.Point("2018", 1, None, None)], plots.WIDE)]) == [None]
    assert drawing.png("<svg/>") is None


def test_while_two_pages_draw_a_third_goes_without() -> None:
    with drawing._places, drawing._places:
        assert drawing.svgs([plots.history([plots.Point("2018", 2, None, None)], plots.WIDE)]) == [None]


def test_only_so_many_pictures_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(drawing, "MOST", 2)
    for number in range(4):
        (tmp_path / f"{number}.svg").write_text("<svg/>")
    drawing._tidy(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_light_theme_of_pictures_is_that_of_the_style_sheets() -> None:
    sheets = [SOURCE / "site/static/onedoor.css", SOURCE / "measurement/static/measurement/measurement.css"]
    light: dict[str, str] = {}
    for sheet in sheets:
        declared = re.findall(r"(--[a-z0-9-]+):(#[0-9a-f]+)[;}\n]", sheet.read_text().partition("@media")[0])
        light |= dict(declared)
    assert {name: light[name] for name in plots.LIGHT if name != "--face"} == {
        name: colour for name, colour in plots.LIGHT.items() if name != "--face"
    }


@pytest.mark.soak
def test_what_moves_every_rank_is_worked_out_in_a_process_of_its_own(tmp_path: Path) -> None:
    from onedoor.measurement import sensitivities, shelf

    found = shelf.shelf("egdi")
    thread = sensitivities.begin(found, 2018)
    assert thread is not None
    thread.join(sensitivities.LONGEST)
    factors = sensitivities.of(found, 2018)
    assert factors is not None
    assert len(factors) == 193
    assert factors["VN"][0].kind == "normalisation"


def test_what_moves_ranks_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from onedoor.measurement import sensitivities, shelf

    monkeypatch.setattr(sensitivities, "sensitivity", lambda *_: [])
    found, file = shelf.shelf("egdi"), tmp_path / "egdi.json"
    asked = (str(found.world.path), str(found.editions[2018].table.file), "egdi", "2018", str(file))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            sensitivities.write(*asked)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())
