"""The cells of a CSV table, by our names of its columns; what is no table is refused here."""

import csv
import io
import re
import stat
from bisect import insort
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from onedoor.kernel import refusals
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said
from onedoor.measurement import errors
from onedoor.measurement.world import Definition, World

LARGEST = 8 * 1024 * 1024
MOST_ROWS = 100_000
LONG = 60
KEYS = ("edition", "country", "rank")
"""Columns that hold no values."""
PIECE = re.compile(r"-?[0-9]{1,3}")
DIGITS_ONLY = re.compile(r"[0-9]{2,}")


@dataclass
class Sheet:
    """The cells of a file while they are read, the first faults in the order of the file, and how many there are."""

    file: Path
    definition: Definition
    world: World
    columns: dict[str, int]
    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    faults: list[OnedoorError] = field(default_factory=list)
    count: int = 0

    def column(self, name: str) -> list[str]:
        """Return the cells of the column *name*."""
        place = self.columns[name]
        return [row[place] for row in self.rows]

    def ranked(self, year: int) -> Collection[str]:
        """Return the codes of those who are ranked in *year*; nobody where the edition does not say."""
        return self._ranked.get(year, ())

    @cached_property
    def _ranked(self) -> dict[int, Collection[str]]:
        groups = {year: self.definition.ranked_group(year) for year in self.definition.editions}
        return {
            year: self.world.groups[group].members(self.definition.day(year)) for year, group in groups.items() if group
        }

    def place(self, name: str, row: int) -> dict[str, object]:
        """Return where the cell of the column *name* in *row* stands, for a sentence."""
        column = self.columns[name]
        return {"file": self.file, "line": self.lines[row], "column": column + 1, "name": self.header[column]}

    def fault(self, kind: type[OnedoorError], name: str, row: int, **facts: object) -> None:
        """Count a fault of the cell of the column *name* in *row*, and keep it if it is among the first."""
        if len(self.faults) < errors.SHOWN or (self.lines[row], self.columns[name] + 1) < _order(self.faults[-1]):
            self.keep(kind(**self.place(name, row), **facts))
        else:
            self.count += 1

    def keep(self, fault: OnedoorError) -> None:
        """Count *fault*, and keep the first in the order of the file."""
        self.count += 1
        insort(self.faults, fault, key=_order)
        del self.faults[errors.SHOWN :]


def _order(fault: OnedoorError) -> tuple[int, int]:
    return int(str(fault.facts["line"])), int(str(fault.facts.get("column", 0)))


def bad(sheet: Sheet) -> errors.BadTable:
    """Return the refusal of *sheet*."""
    return errors.BadTable(sheet.file, sheet.faults, sheet.count)


def shown(cell: str) -> str:
    """Return *cell* as a sentence may show it: not too long, without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in cell[:LONG])


def read(file: Path, definition: Definition, world: World) -> Sheet:
    """Return the cells of *file*, rows of another width than the first line put among its faults."""
    reader = csv.reader(io.StringIO(_text(file), newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        columns = _columns(file, header, definition)
        rows: list[list[str]] = []
        lines: list[int] = []
        for row in reader:
            if row:
                if len(rows) == MOST_ROWS:
                    raise errors.TooManyRows(file=file, most=MOST_ROWS)
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise errors.NoTable(file=file, line=reader.line_num, why=refusals.why(error)) from None
    sheet = Sheet(file, definition, world, columns, header, rows, lines)
    if not rows:
        raise errors.NoRows(file=file)
    uneven = [row for row, cells in enumerate(rows) if len(cells) != len(header)]
    if uneven:
        sheet.faults = [_uneven(sheet, row) for row in uneven[: errors.SHOWN]]
        sheet.count = len(uneven)
        raise bad(sheet)
    sheet.rows = [[cell.strip() for cell in row] for row in rows]
    return sheet


def _text(file: Path) -> str:
    if not stat.S_ISREG(file.stat().st_mode):
        raise errors.NoFile(file=file)
    with file.open("rb") as stream:
        raw = stream.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise errors.TableTooLarge(file=file, limit=said("{n} MiB", n=LARGEST // 1024 // 1024))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise errors.NoTable(file=file, line=line, why=f"0x{raw[error.start]:02x}") from None
    if "\0" in text:
        raise errors.NoTable(file=file, line=text.count("\n", 0, text.index("\0")) + 1, why="0x00")
    return text


def _columns(file: Path, header: Sequence[str], definition: Definition) -> dict[str, int]:
    """Return where each of our columns stands, by our names or by those of a layout of the index."""
    places: dict[str, int] = {}
    for number, name in enumerate(header):
        if name and places.setdefault(name.casefold(), number) != number:
            raise errors.ColumnTwice(file=file, column=number + 1, name=shown(name))
    data = definition.data
    parts = [part.id for year in list(definition.editions)[:1] for part in definition.edition(year).root.indicators]
    wanted = ["edition", "country", "rank", data["value"], *parts]
    layouts = [{name: name for name in (*wanted, *data.get("beside", ()))}, *data.get("layouts", ())]
    lacking = [
        [one.get(name, name) for name in wanted if one.get(name, name).casefold() not in places] for one in layouts
    ]
    best = min(range(len(layouts)), key=lambda number: len(lacking[number]))
    if lacking[best]:
        raise errors.ColumnsMissing(file=file, names=", ".join(lacking[best]))
    return {name: places[theirs.casefold()] for name, theirs in layouts[best].items() if theirs.casefold() in places}


def _uneven(sheet: Sheet, row: int) -> OnedoorError:
    """Return what is wrong with a row of another width: most often a decimal comma without quotes."""
    cells, expected = [cell.strip() for cell in sheet.rows[row]], len(sheet.header)
    values = [place for name, place in sheet.columns.items() if name not in KEYS]
    for place in sorted(values):
        if len(cells) > expected and PIECE.fullmatch(cells[place]) and DIGITS_ONLY.fullmatch(cells[place + 1]):
            written = f"{cells[place]},{cells[place + 1]}"
            name = next(name for name, where in sheet.columns.items() if where == place)
            return errors.DecimalComma(**sheet.place(name, row), value=written, instead=written.replace(",", "."))
    column = min(len(cells), expected) + 1
    return errors.UnevenRow(file=sheet.file, line=sheet.lines[row], found=len(cells), expected=expected, column=column)
