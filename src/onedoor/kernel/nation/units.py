"""Administrative units of a nation, each with the time it existed; read when first asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from onedoor.kernel.errors import NotFound
from onedoor.kernel.nation.documents import Fault
from onedoor.kernel.nation.tables import Row, read_table
from onedoor.kernel.said import said
from onedoor.kernel.text import Text, fold

COLUMNS = ("code", "level", "parent", "valid_from", "valid_until", "successor")
MOST_FOUND = 20


class UnknownUnit(NotFound):
    """There is no administrative unit “{code}” on {on}. Please check the code and the date."""


class UnitsNotKnown(UnknownUnit):
    """Administrative units of the level {level} are known here only since {since}; {on} is earlier."""


@dataclass(frozen=True, slots=True)
class Unit:
    """An administrative unit while it existed under this name; ``parent`` and ``successor`` are codes or empty."""

    code: str
    level: str
    parent: str
    name: Text
    full_name: Text
    since: date
    until: date | None
    successor: str = ""

    def existed(self, on: date) -> bool:
        """Return whether the unit existed on *on*."""
        return self.since <= on and (self.until is None or on <= self.until)


class Units:
    """All units of a nation, from its CSV tables *files*."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files = files

    def unit(self, code: str, on: date) -> Unit:
        """Return the unit *code* as it was on *on*; raise `UnknownUnit`, or `UnitsNotKnown` for too early a date."""
        versions = self._by_code.get(code, ())
        found = next((unit for unit in versions if unit.existed(on)), None)
        if found is None and versions:
            self._refuse_early(versions[0].level, on)
        if found is None:
            raise UnknownUnit(code=code[:20], on=on.isoformat())
        return found

    def known(self, code: str, on: date) -> bool:
        """Return whether there was a unit *code* on *on*."""
        return any(unit.existed(on) for unit in self._by_code.get(code, ()))

    def ever(self, code: str) -> bool:
        """Return whether there is or was a unit *code*, whenever."""
        return code in self._by_code

    def of_level(self, level: str, on: date) -> Sequence[Unit]:
        """Return the units of *level* on *on*, by code; raise `UnitsNotKnown` for too early a date."""
        self._refuse_early(level, on)
        return [unit for unit in self._by_level.get(level, ()) if unit.existed(on)]

    def children(self, code: str, on: date) -> Sequence[Unit]:
        """Return the units directly below *code* on *on*, by code; raise as `unit` does."""
        self.unit(code, on)
        below = [unit for unit in self._by_parent.get(code, ()) if unit.existed(on)]
        if not below and (later := self._by_parent.get(code)):
            self._refuse_early(later[0].level, on)
        return below

    def find(self, text: str, level: str, on: date) -> Sequence[Unit]:
        """Return up to 20 units of *level* on *on* whose name holds *text*, accents or not, the best first."""
        wanted = fold(text)
        ranked = [(rank, unit) for unit in self.of_level(level, on) if (rank := self._rank(unit, wanted)) is not None]
        ranked.sort(key=lambda pair: (pair[0], pair[1].code))
        return [unit for _, unit in ranked[:MOST_FOUND]]

    def since(self, level: str) -> date | None:
        """Return since when units of *level* are known."""
        return min((unit.since for unit in self._by_level.get(level, ())), default=None)

    @cached_property
    def top(self) -> str:
        """Return the highest level, such as ``province``: that of the units that lie in no other."""
        return next((unit.level for unit in self._units if not unit.parent), "")

    def faults(self) -> Sequence[Fault]:
        """Return the faults of the tables."""
        placed, faults = self._placed
        return [*faults, *(fault for unit, name, line in placed for fault in self._faults(unit, name, line))]

    def _faults(self, unit: Unit, name: str, line: int) -> Iterator[Fault]:
        """Yield what is wrong with *unit* among all the others."""
        if unit.until and unit.until < unit.since:
            yield Fault(
                name,
                line,
                said("the unit {code} ends before it begins", code=unit.code),
                said("correct one of the two dates"),
            )
        for other in self._by_code[unit.code]:
            if other.since < unit.since and other.existed(unit.since):
                wrong = said("the unit {code} exists here and also since {since}", code=unit.code, since=other.since)
                yield Fault(name, line, wrong, said("end the earlier one on the day before"))
        after = unit.until + timedelta(days=1) if unit.until else None
        for word, code, on in (
            (said("parent"), unit.parent, unit.since),
            (said("successor"), unit.successor, after),
        ):
            if code and not self.known(code, on or unit.since):
                wrong = said(
                    "there is no unit “{code}” on {value} to be the {word} of {code2}",
                    code=code,
                    value=on or unit.since,
                    word=word,
                    code2=unit.code,
                )
                yield Fault(name, line, wrong, said("write the code of a unit that existed on that day"))

    @cached_property
    def _placed(self) -> tuple[list[tuple[Unit, str, int]], list[Fault]]:
        """Return every unit with its table and line, and the faults of single rows."""
        placed: list[tuple[Unit, str, int]] = []
        faults: list[Fault] = []
        for name, path in self.files.items():
            made, wrong = read_table(path, name, COLUMNS, lambda row, line: (_unit(row), line))
            placed += [(unit, name, line) for unit, line in made]
            faults += wrong
        return sorted(placed, key=lambda one: (one[0].code, one[0].since)), faults

    @cached_property
    def _units(self) -> list[Unit]:
        return [unit for unit, _, _ in self._placed[0]]

    @cached_property
    def _by_code(self) -> Mapping[str, list[Unit]]:
        return _grouped(self._units, "code")

    @cached_property
    def _by_level(self) -> Mapping[str, list[Unit]]:
        return _grouped(self._units, "level")

    @cached_property
    def _by_parent(self) -> Mapping[str, list[Unit]]:
        return _grouped(self._units, "parent")

    @cached_property
    def _folded(self) -> dict[tuple[str, date], tuple[set[str], set[str]]]:
        return {
            (unit.code, unit.since): (
                {fold(name) for name in unit.name.values()},
                {fold(name) for name in unit.full_name.values()},
            )
            for unit in self._units
        }

    def _rank(self, unit: Unit, wanted: str) -> int | None:
        names, full = self._folded[unit.code, unit.since]
        if wanted in names or wanted in full:
            return 0
        if any(name.startswith(wanted) for name in names):
            return 1
        return 2 if any(wanted in name for name in full | names) else None

    def _refuse_early(self, level: str, on: date) -> None:
        since = self.since(level)
        if since and on < since:
            raise UnitsNotKnown(code="", level=level, since=since.isoformat(), on=on.isoformat())


def _unit(row: Row) -> Unit:
    if not row["code"] or not row["level"] or not any(row[column] for column in row if column.startswith("name_")):
        raise ValueError(said("a unit has no code, level or name"), said("fill in all three"))
    until = date.fromisoformat(row["valid_until"]) if row["valid_until"] else None
    return Unit(
        code=row["code"],
        level=row["level"],
        parent=row["parent"],
        name={column[5:]: value for column, value in row.items() if column.startswith("name_") and value},
        full_name={column[10:]: value for column, value in row.items() if column.startswith("full_name_") and value},
        since=date.fromisoformat(row["valid_from"]),
        until=until,
        successor=row["successor"],
    )


def _grouped(units: Sequence[Unit], by: str) -> Mapping[str, list[Unit]]:
    groups: dict[str, list[Unit]] = {}
    for unit in units:
        groups.setdefault(getattr(unit, by), []).append(unit)
    return groups
