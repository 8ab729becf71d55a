"""Tables that are read, and tables that are refused with line and column."""

import contextlib
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from onedoor.kernel.errors import OnedoorError
from onedoor.measurement import errors, service, sheets
from onedoor.measurement.tests.conftest import DATA
from onedoor.measurement.world import World

LINES = (DATA / "egdi-2018.csv").read_text().splitlines()
UN = (
    "Survey Year,Country Name,E-Government Rank,E-Government Index,E-Participation Index,Online Service Index,"
    "Human Capital Index,Telecommunication Infrastructure Index"
)
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def table(*lines: str, raw: bytes | None = None) -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(raw if raw is not None else ("\n".join(lines) + "\n").encode())
        return path

    return table


def faults(world: World, path: Path, edition: int = 2018) -> tuple[OnedoorError, ...]:
    with pytest.raises(errors.BadTable) as refused:
        service.measure(world, path, edition, "egdi")
    return refused.value.faults


def test_the_layout_of_the_un_is_read_with_blanks_and_a_mark_at_its_start(world: World, write: Write) -> None:
    rows = [line.split(",", 2) for line in LINES[1:]]
    lines = [UN, *(f"{year},{name} ,{rest}" for year, name, rest in rows)]
    found = service.measure(world, write(raw=("\ufeff" + "\r\n".join(lines)).encode()), 2018, "egdi")
    assert found.rows() == service.measure(world, DATA / "egdi-2018.csv", 2018, "egdi").rows()


def test_columns_may_stand_in_another_order(world: World, write: Write) -> None:
    turned = [",".join(reversed(line.split(","))) for line in LINES]
    assert len(service.measure(world, write(*turned), 2018, "egdi").rows()) == 193


def test_countries_are_found_by_the_names_of_other_years(world: World) -> None:
    known = world.countries
    for name, code in {
        "Turkey": "TR", "TÜRKIYE": "TR", "The former Yugoslav Republic of Macedonia": "MK", "Swaziland": "SZ",
        "Korea, Republic of": "KR", "Korea (Democratic People’s Republic of)": "KP", "Nippon": None,
        "Congo (Democratic Republic of the)": "CD", "Vietnam": "VN",
        "Republic of the Congo": "CG", "Cape Verde": "CV", "Libyan Arab Jamahiriya": "LY", "Cote d`Ivoire": "CI",
        "Côte d´Ivoire": "CI", "Dem. Republic of the Congo": "CD", "Libyan A.J.": "LY", "Syrian Arab Rep.": "SY",
        "Macedonia, F.Y.R.": "MK", "Congo (Democratic Republic of)": "CD", "Congo, Republic of": "CG",
        "Serbia and Montenegro": "CS", "Serbia": "RS", "Viet Nam": "VN", "vnm": "VN", "Iran, Islamic Republic of": "IR",
        "Bolivia (Plurinational State of)": "BO", "St. Kitts & Nevis": "KN", "Micronesia, Federated States of": "FM",
        "Netherlands (Kingdom of the)": "NL", "Guinea": "GN", "Equatorial Guinea": "GQ", "Dominica": "DM",
    }.items():  # fmt: skip
        assert known.code(name) == code, name
    assert known.code("Atlantis") is None


BAD = [
    (5, "0.8999", '"0,8999"', errors.DecimalComma, 5, 4),
    (5, "0.8999", "0,8999", errors.DecimalComma, 5, 4),
    (9, "0.8", "1.8", errors.OutOfRange, 9, 4),
    (9, "0.8", "-0.8", errors.OutOfRange, 9, 4),
    (6, "0.8882", "", errors.EmptyCell, 6, 4),
    (6, "0.8882", "nan", errors.NotACell, 6, 4),
    (6, "0.8882", "8.882e-1", errors.NotACell, 6, 4),
    (6, "0.8882", "0.88 82", errors.NotACell, 6, 4),
    (6, "0.8882", "0_8882", errors.NotACell, 6, 4),
    (6, "0.8882", "٠.٨", errors.NotACell, 6, 4),
    (6, "0.8882", "0.12345678901234567890", errors.NotACell, 6, 4),
    (6, "0.8882", '"0.8\n0.8"', errors.NotACell, 7, 4),
    (6, ",5,", ",0,", errors.BadRank, 6, 3),
    (6, ",5,", ",500,", errors.OutOfRange, 6, 3),
    (6, ",5,", ",5.0,", errors.BadRank, 6, 3),
    (6, ",5,", ",,", errors.EmptyCell, 6, 3),
    (6, "2018", "20I8", errors.BadYear, 6, 1),
    (6, "2018", "2019", errors.YearNotDefined, 6, 1),
    (6, "Sweden", "Atlantis", errors.UnknownName, 6, 2),
    (6, "Sweden", "", errors.EmptyCell, 6, 2),
    (6, "Sweden", "Denmark", errors.Doubled, 6, 2),
    (6, "Sweden", "Kingdom, Sweden", errors.UnevenRow, 6, 9),
    (6, "Sweden,", "", errors.UnevenRow, 6, 8),
]


@pytest.mark.parametrize(("number", "old", "new", "kind", "line", "column"), BAD)
def test_a_bad_cell_is_named_by_line_and_column(
    world: World, write: Write, number: int, old: str, new: str, kind: type[OnedoorError], line: int, column: int
) -> None:
    lines = list(LINES)
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    found = faults(world, write(*lines))[0]
    assert type(found) is kind
    assert (found.facts["line"], found.facts["column"]) == (line, column)
    assert str(line) in found.text()


def test_blanks_of_who_was_not_assessed_are_read_and_any_other_is_a_fault(world: World, write: Write) -> None:
    """As the UN publishes 2010: blank parts beside an index of 0, and a row of nothing for who was no member yet."""
    lines = [line.replace("2018", "2010") for line in LINES if "South Sudan" not in line]
    place = next(number for number, line in enumerate(lines) if "Nauru" in line)
    lines[place] = "2010,Nauru,184,0.0000,0.0143,0.0127,,"
    measured = service.measure(world, write(*lines, "2010,South Sudan,,,,,,"), 2010, "egdi")
    nauru, sudan = (measured.row(measured.place(name)) for name in ("Nauru", "South Sudan"))
    assert (nauru.value, nauru.rank, nauru.agrees, nauru.published_rank) == (None, None, None, 184)
    assert nauru.published_value == 0
    assert sudan.value is sudan.published_value is sudan.rank is sudan.agrees is None
    assert len(measured.rows()) == 193
    assert len(measured.ranked) == 191
    lines[place] = "2010,Nauru,184,0.1000,,0.0127,,"  # participation is not in the index
    assert [one.facts["column"] for one in faults(world, write(*lines), 2010)] == [7, 8]
    assert [one.facts["column"] for one in faults(world, write(*LINES[:-1], "2018,Somalia,,,,,,"))] == [4, 6, 7, 8]


def test_a_minus_before_nothing_is_nothing(world: World, write: Write) -> None:
    lines = [line.replace("0.0000", "-0.0000") for line in LINES]
    assert lines != LINES
    found = service.measure(world, write(*lines), 2018, "egdi")
    assert found.rows() == service.measure(world, DATA / "egdi-2018.csv", 2018, "egdi").rows()


def test_every_fault_is_told_in_the_order_of_the_file(world: World, write: Write) -> None:
    lines = [line.replace("0.8", "0,x", 1) if number in (9, 3, 7) else line for number, line in enumerate(LINES)]
    assert len({int(str(one.facts["line"])) for one in faults(world, write(*lines))}) == 3


def test_the_first_faults_of_the_file_are_kept_and_the_others_counted(world: World, write: Write) -> None:
    """Of 300 rows, 299 are twins, all lack two values and the last is of no edition; rows, not columns, come first."""
    row = "2018,Japan,1,0.8,0.8,,0.8,"
    lines = [LINES[0], *[row] * 299, row.replace("2018", "x")]
    with pytest.raises(errors.BadTable) as refused:
        service.measure(world, write(*lines), 2018, "egdi")
    found = refused.value
    assert found.facts["count"] == 300 * 2 + 298 + 1
    wanted = [(2, 6), (2, 8), *[(line, column) for line in range(3, 9) for column in (2, 6, 8)]]
    assert [(one.facts["line"], one.facts["column"]) for one in found.faults] == wanted
    assert len(found.text().splitlines()) == 1 + errors.SHOWN


def test_rows_of_another_width_are_counted_beyond_the_first(world: World, write: Write) -> None:
    with pytest.raises(errors.BadTable) as refused:
        service.measure(world, write(LINES[0], *["x"] * 50), 2018, "egdi")
    assert refused.value.facts["count"] == 50
    assert [one.facts["line"] for one in refused.value.faults] == list(range(2, 2 + errors.SHOWN))


@pytest.mark.timeout(10)
def test_what_is_no_regular_file_is_refused_unread(world: World, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (pipe, Path("/dev/zero"), tmp_path):
        with pytest.raises(errors.NoFile, match="no regular file"):
            service.measure(world, place, 2018, "egdi")
        with pytest.raises(errors.NoFile):
            service.every(world, place, "egdi")


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="needs a regular file that tells a size of 0")
def test_a_table_is_measured_by_what_is_read_not_by_the_size_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "LARGEST", 100)
    with pytest.raises(errors.TableTooLarge):
        service.measure(world, Path("/proc/self/status"), 2018, "egdi")


def test_twins_under_two_names_are_found(world: World, write: Write) -> None:
    twin = next(line for line in LINES if "Türkiye" in line).replace("Türkiye", "Turkey")
    (found,) = faults(world, write(*LINES, twin))
    assert (type(found), found.facts["line"]) == (errors.Doubled, 195)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"", errors.ColumnsMissing),
        (b"edition,country,rank\n2018,Japan,1\n", errors.ColumnsMissing),
        ("\n".join(LINES).replace(",", ";").encode(), errors.ColumnsMissing),
        (LINES[0].encode(), errors.NoRows),
        ("\n".join(LINES).encode("latin-1"), errors.NoTable),
        ("\n".join(LINES).encode("utf-16"), errors.NoTable),
        (b"\0\0", errors.NoTable),
        ((LINES[0] + '\n2018,"Japan').encode(), errors.NoTable),
        ((LINES[0] + ",osi\n").encode(), errors.ColumnTwice),
        (b"a" * (sheets.LARGEST + 1), errors.TableTooLarge),
        ((LINES[0] + "\nx" * (sheets.MOST_ROWS + 1)).encode(), errors.TooManyRows),
    ],
)
def test_what_is_no_table_of_the_index_is_refused(
    world: World, write: Write, raw: bytes, kind: type[OnedoorError]
) -> None:
    with pytest.raises(kind):
        service.measure(world, write(raw=raw), 2018, "egdi")


ODD = [*'0123456789.,"\r\t -_e\x0b\x85', "\n", "\u2028", "٠", "²", "nan", "\x00"]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_written_is_read_or_refused(world: World, write: Write, seed: int) -> None:
    chance = random.Random(seed)
    lines = [line.replace("2018", "2012") for line in LINES[:12]]
    for _ in range(chance.randint(1, 4)):
        number = chance.randrange(len(lines))
        cells = lines[number].split(",")
        cells[chance.randrange(len(cells))] = "".join(chance.choices(ODD, k=chance.randint(0, 4)))
        lines[number] = ",".join(cells)
    with contextlib.suppress(OnedoorError):
        assert len(service.measure(world, write(*lines), 2012, "egdi").rows()) == 11
