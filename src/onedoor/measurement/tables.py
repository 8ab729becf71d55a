"""Tables of published values, every fault by line and column.

Whole columns are looked at in one go; cell by cell only where one is at fault.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from onedoor.kernel.errors import OnedoorError
from onedoor.measurement import errors, sheets
from onedoor.measurement.rules.exact import Truths, Wholes
from onedoor.measurement.rules.index import Edition
from onedoor.measurement.rules.standing import Figures, stand
from onedoor.measurement.sheets import KEYS, LONG, Sheet, bad, shown
from onedoor.measurement.world import Definition, World

DIGITS = 9
"""The most decimals that are read; a whole number of 1 / 10⁹ below a million is exact as a float too."""
NUMBERS = re.compile(rf"(?:-?[0-9]{{1,6}}(?:\.[0-9]{{1,{DIGITS}}})?\n)*")
NUMBER = re.compile(rf"-?[0-9]{{1,6}}(?:\.[0-9]{{1,{DIGITS}}})?")
WHOLES = re.compile(r"(?:[1-9][0-9]{0,4}\n)*")
WITH_COMMA = re.compile(r"-?[0-9]*,[0-9]+")
FEW = 0.1
"""The share of values that may show more decimals than their column is rounded to."""
MANY = 30
"""Rows from which on a table can show that it was printed to fewer decimals than its edition."""
NAMED = 5
"""Names of missing rows that are told."""
BLANK_RANKS = ("", "0", "-", "–")
NOUGHT = re.compile(r"-?0+(?:\.0+)?")


@dataclass(frozen=True)
class Table:
    """The rows of one edition: names as written, codes (names, where no country is meant), and their figures."""

    file: Path
    edition: Edition
    names: tuple[str, ...]
    codes: tuple[str, ...]
    figures: Figures

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Return the row of each code."""
        return {code: number for number, code in enumerate(self.codes)}


def read(file: Path, definition: Definition, world: World) -> dict[int, Table]:
    """Return the tables of all editions in *file*; raise `errors.BadTable` with the first faults of it."""
    sheet = sheets.read(file, definition, world)
    years = _years(sheet)
    names = sheet.column("country")
    codes = _codes(sheet, names, years)
    silent, unused = _silent(sheet, codes, years), definition.data.get("beside", ())
    numbers = {
        name: _numbers(sheet, name, range(len(names)) if name in unused else silent)
        for name in sheet.columns
        if name not in KEYS
    }
    blank = {name: np.array([not cell for cell in sheet.column(name)]) for name in numbers}
    ranks = _ranks(sheet, numbers[str(definition.data["value"])], codes, years)
    if sheet.faults:
        raise bad(sheet)
    tables = {}
    for year in dict.fromkeys(years):
        rows = np.flatnonzero(np.array(years) == year)
        edition = definition.edition(year)
        kept = tuple(codes[row] for row in rows)
        _complete(sheet, year, kept, rows)
        _possible(sheet, year, ranks, rows)
        members = sheet.ranked(year)
        due = np.array([not members or code in members for code in kept])
        figures = _figures(edition, numbers, blank, ranks, due, rows)
        tables[year] = Table(file, edition, tuple(names[row] for row in rows), kept, figures)
    if sheet.faults:
        raise bad(sheet)
    return tables


def _years(sheet: Sheet) -> list[int]:
    years, known = sheet.column("edition"), sheet.definition.editions
    told = ", ".join(map(str, sorted(known)))
    good = {year: int(year) for year in set(years) if re.fullmatch("[12][0-9]{3}", year)}
    for row, year in enumerate(years):
        if year not in good:
            sheet.fault(errors.BadYear, "edition", row, value=shown(year))
        elif good[year] not in known:
            sheet.fault(errors.YearNotDefined, "edition", row, value=year, known=told)
    return [good.get(year, 0) for year in years]


def _codes(sheet: Sheet, names: Sequence[str], years: Sequence[int]) -> list[str]:
    """Return the code of each name; names that are not known and rows that are there twice are faults."""
    known = sheet.world.countries
    by_name = sheet.definition.data["units"] == "name"
    codes: list[str] = []
    seen: dict[tuple[int, str], int] = {}
    for row, name in enumerate(names):
        code = name if by_name else known.code(name)
        if not name:
            sheet.fault(errors.EmptyCell, "country", row, value="")
        elif not code:
            sheet.fault(errors.UnknownName, "country", row, value=shown(name), near=_near(sheet, name))
        elif (other := seen.setdefault((years[row], code), row)) != row:
            sheet.fault(errors.Doubled, "country", row, value=shown(name), other=sheet.lines[other])
        codes.append(code or "")
    return codes


def _near(sheet: Sheet, name: str) -> str:
    """Return the known name nearest to *name*; none where it would take long and nobody would read it."""
    return sheet.world.countries.near(name) if len(sheet.faults) < errors.SHOWN and len(name) < LONG else "…"


def _silent(sheet: Sheet, codes: Sequence[str], years: Sequence[int]) -> list[int]:
    """Return the rows of those who were not assessed, whose values may be blank.

    Their index is 0, or their row holds no value and no rank, and they are none of those who must be ranked.
    """
    if "zero" not in sheet.definition.data:
        return []
    indices, ranks = sheet.column(str(sheet.definition.data["value"])), sheet.column("rank")
    places = [place for name, place in sheet.columns.items() if name not in KEYS]

    def nothing(row: int) -> bool:
        due = codes[row] in sheet.ranked(years[row]) and sheet.definition.complete(years[row])
        return not due and ranks[row] in BLANK_RANKS and not any(sheet.rows[row][place] for place in places)

    return [row for row, index in enumerate(indices) if NOUGHT.fullmatch(index) or (not index and nothing(row))]


def _numbers(sheet: Sheet, name: str, silent: Sequence[int]) -> Wholes:
    """Return the column *name* as whole numbers of 1 / 10⁹; what is no number, or out of range, is a fault.

    What is blank in a row that may be is 0.
    """
    cells = sheet.column(name)
    for row in silent:
        cells[row] = cells[row] or "0"
    low, high = _ends(sheet.definition, name)
    good = _all(NUMBERS, cells)
    values = np.array(cells, dtype=np.float64) if good else np.zeros(len(cells))
    if good and low <= values.min() and values.max() <= high:
        return np.asarray(np.rint(values * 10**DIGITS), dtype=np.int64)
    for row, cell in enumerate(cells):
        if found := _fault(cell, low, high):
            kind, facts = found
            sheet.fault(kind, name, row, **facts)
    return np.zeros(len(cells), dtype=np.int64)


def _all(form: re.Pattern[str], cells: Sequence[str]) -> bool:
    """Return whether all *cells* have the *form* of lines; one that is itself of several lines has not."""
    lines = "\n".join(cells) + "\n"
    return bool(form.fullmatch(lines)) and lines.count("\n") == len(cells)


def _ends(definition: Definition, name: str) -> tuple[float, float]:
    """Return the ends of the scale of the column *name*: its own if it is a part, otherwise those of the index."""
    root = next(iter(definition.edition(year).root for year in definition.editions))
    part = next((one for one in root.indicators if one.id == name), root)
    low, high = part.minimum, part.maximum
    return float("-inf") if low is None else float(low), float("inf") if high is None else float(high)


def _fault(cell: str, low: float, high: float) -> tuple[type[OnedoorError], dict[str, str]] | None:
    """Return what is wrong with the number in *cell*, and what its sentence says."""
    if not cell:
        return errors.EmptyCell, {"value": ""}
    if WITH_COMMA.fullmatch(cell):
        return errors.DecimalComma, {"value": cell, "instead": cell.replace(",", ".")}
    if not NUMBER.fullmatch(cell):
        return errors.NotACell, {"value": shown(cell)}
    if not low <= float(cell) <= high:
        return errors.OutOfRange, {"value": cell, "low": f"{low:g}", "high": f"{high:g}"}
    return None


def _ranks(sheet: Sheet, values: Wholes, codes: Sequence[str], years: Sequence[int]) -> Wholes:
    """Return the published ranks; 0 where none is: for a value of 0, for who is scored alone, or in a whole edition."""
    cells = sheet.column("rank")
    if _all(WHOLES, cells):
        return np.array(cells, dtype=np.int64)
    ranks = np.zeros(len(cells), dtype=np.int64)
    told = {year for year, cell in zip(years, cells, strict=True) if cell not in BLANK_RANKS}
    for row, cell in enumerate(cells):
        if re.fullmatch("[1-9][0-9]{0,4}", cell):
            ranks[row] = int(cell)
        elif cell not in BLANK_RANKS or (values[row] and years[row] in told and codes[row] in sheet.ranked(years[row])):
            sheet.fault(errors.BadRank if cell else errors.EmptyCell, "rank", row, value=shown(cell))
    return ranks


def _possible(sheet: Sheet, year: int, ranks: Wholes, rows: Wholes) -> None:
    """Put a fault for each rank of *year* beyond the number of those who can be ranked."""
    members = sheet.ranked(year)
    most = max(len(rows), len(members))
    for row in rows[ranks[rows] > most] if members else ():
        sheet.fault(errors.OutOfRange, "rank", int(row), value=ranks[row], low=1, high=most)


def _figures(
    edition: Edition,
    numbers: Mapping[str, Wholes],
    blank: Mapping[str, Truths],
    ranks: Wholes,
    due: Truths,
    rows: Wholes,
) -> Figures:
    """Return the figures of *rows*, in whole numbers of the finest unit that a value of theirs shows.

    Columns are held to the decimals of the edition at least; to those they show where so few values agree that way that
    the table must have been printed to fewer.
    """
    taken = {name: numbers[name][rows] for name in (edition.value, *edition.indicators)}
    printed = {name: _decimals(values, FEW) for name, values in taken.items()}
    shown = {name: max(edition.decimals, decimals) for name, decimals in printed.items()}
    most = max(*shown.values(), *(_decimals(values, 0) for values in taken.values()))
    fine = 10 ** (DIGITS - most)
    figures = Figures(
        parts=np.stack([taken[name] // fine for name in edition.indicators], axis=1),
        published=taken[edition.value] // fine,
        ranks=ranks[rows],
        scale=10**most,
        steps=tuple(10 ** (most - shown[name]) for name in edition.indicators),
        step=10 ** (most - shown[edition.value]),
        due=due,
        blank=np.stack([blank[name][rows] for name in taken], axis=1),
    )
    if printed == shown or len(rows) < MANY or _agreeing(edition, figures) > 1 - FEW:
        return figures
    steps = tuple(10 ** (most - printed[name]) for name in edition.indicators)
    return replace(figures, steps=steps, step=10 ** (most - printed[edition.value]))


def _agreeing(edition: Edition, figures: Figures) -> float:
    found = stand(edition, figures)
    return float(found.agrees[found.assessed].mean()) if found.assessed.any() else 1.0


def _decimals(values: Wholes, share: float) -> int:
    """Return how many decimals *values* show, zeros at the end apart, when a *share* of them may show more."""
    return next(d for d in range(DIGITS + 1) if np.count_nonzero(values % 10 ** (DIGITS - d)) <= share * len(values))


def _complete(sheet: Sheet, year: int, codes: Sequence[str], rows: Wholes) -> None:
    """Put a fault for those who are ranked in *year* and have no row."""
    lacking = set(sheet.ranked(year)) - set(codes)
    if lacking and sheet.definition.complete(year):
        names = sorted(sheet.world.countries.names[code] for code in lacking)
        told = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
        where = sheet.place("country", int(rows[-1]))
        sheet.keep(errors.RowsMissing(**where, count=len(names), edition=year, names=told))
