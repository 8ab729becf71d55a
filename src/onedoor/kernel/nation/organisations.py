"""Public organisations of a nation: dated names and identifiers, predecessors and successors; read when asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from onedoor.kernel.errors import NotFound
from onedoor.kernel.nation.calendars import CONFIDENCES
from onedoor.kernel.nation.documents import Fault
from onedoor.kernel.nation.schemas import nearest
from onedoor.kernel.nation.tables import Row, read_table
from onedoor.kernel.nation.units import Units
from onedoor.kernel.said import said
from onedoor.kernel.text import Text

COLUMNS = (
    *("id", "kind", "unit", "within", "valid_from", "valid_until"),
    *("predecessors", "successors", "source", "confidence"),
)
IDENTIFIER_COLUMNS = ("organisation", "scheme", "code", "valid_from", "valid_until", "source", "confidence")
MEMORY = "memory"


class UnknownOrganisation(NotFound):
    """There is no public organisation “{code}” on {on}. Please check the code and the date."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """A public organisation while it had this name and kind; ``since`` None: for longer than is known.

    ``predecessors``, ``successors`` and ``within`` are ids, ``unit`` is the code of its administrative unit or empty.
    """

    id: str
    kind: str
    name: Text
    since: date | None
    until: date | None
    unit: str
    within: str
    predecessors: tuple[str, ...]
    successors: tuple[str, ...]
    source: str
    confidence: str

    @property
    def decided(self) -> bool:
        """Return whether it may drive behaviour: what is only remembered labels things and nothing more."""
        return self.confidence != MEMORY


@dataclass(frozen=True, slots=True)
class Identifier:
    """A code of an organisation in a scheme and the time it is valid; ``since`` None: for longer than is known."""

    organisation: str
    scheme: str
    code: str
    since: date | None
    until: date | None
    source: str
    confidence: str

    @property
    def decided(self) -> bool:
        """Return whether it may drive behaviour: what is only remembered labels things and nothing more."""
        return self.confidence != MEMORY


class Organisations:
    """All public organisations of a nation, from two CSV tables: each the name that faults show, and its path."""

    def __init__(self, table: tuple[str, Path] | None = None, identifiers: tuple[str, Path] | None = None) -> None:
        self._table, self._codes = table, identifiers

    @property
    def given(self) -> bool:
        """Return whether the nation names its public organisations at all."""
        return self._table is not None

    def organisation(self, organisation_id: str, on: date) -> Organisation:
        """Return an organisation as it was on *on*; raise `UnknownOrganisation`."""
        for one in self._by_id.get(organisation_id, ()):
            if _valid(one, on):
                return one
        raise UnknownOrganisation(code=organisation_id[:40], on=on.isoformat())

    def all(self, on: date) -> Sequence[Organisation]:
        """Return the organisations that existed on *on*, by id."""
        return [one for versions in self._by_id.values() for one in versions if _valid(one, on)]

    def identifiers(self, organisation_id: str, on: date) -> Sequence[Identifier]:
        """Return the identifiers an organisation had on *on*, each with how sure it is: labels, also from memory."""
        return [one for one in self._identifiers if one.organisation == organisation_id and _valid(one, on)]

    def identified(self, scheme: str, code: str, on: date) -> Organisation:
        """Return the organisation that had a code on *on*; raise `UnknownOrganisation`, also for codes from memory."""
        for one in self._identifiers:
            if (one.scheme, one.code) == (scheme, code) and one.decided and _valid(one, on):
                return self.organisation(one.organisation, on)
        raise UnknownOrganisation(code=code[:40], on=on.isoformat())

    def codes(self, scheme: str, on: date) -> Sequence[str]:
        """Return the codes of a scheme that may drive behaviour on *on*."""
        return [one.code for one in self._identifiers if one.scheme == scheme and one.decided and _valid(one, on)]

    def successors(self, organisation_id: str, on: date) -> Sequence[Organisation]:
        """Return who stands in an organisation's place on *on*: itself while it exists, then those who took over."""
        found: dict[str, Organisation] = {}
        waiting, seen = [organisation_id], set[str]()
        while waiting:
            key = waiting.pop(0)
            versions = self._by_id.get(key, ())
            if present := next((one for one in versions if _valid(one, on)), None):
                found[key] = present
            elif key not in seen and versions and versions[-1].decided:
                waiting += versions[-1].successors
            seen.add(key)
        return list(found.values())

    def predecessors(self, organisation_id: str) -> Sequence[str]:
        """Return the ids of the organisations that an organisation directly came from."""
        named = [one for known in self._by_id.get(organisation_id, ()) if known.decided for one in known.predecessors]
        became = [one.id for one, _, _ in self._read[0] if one.decided and organisation_id in one.successors]
        return sorted({*named, *became})

    def faults(self, units: Units, languages: Sequence[str]) -> Sequence[Fault]:
        """Return the faults of both tables."""
        own = [fault for placed in self._read[0] for fault in self._faults(*placed, units, languages)]
        codes = [fault for placed in self._read_codes[0] for fault in self._code_faults(*placed)]
        return [*self._read[1], *own, *self._read_codes[1], *codes]

    def _faults(
        self, one: Organisation, name: str, line: int, units: Units, languages: Sequence[str]
    ) -> Iterator[Fault]:
        yield from _order(one, name, line)
        for language in languages:
            if not one.name.get(language):
                yield Fault(
                    name,
                    line,
                    said("{id} has no name in “{language}”", id=one.id, language=language),
                    said("fill in name_{language}", language=language),
                )
        for other in self._by_id[one.id]:
            if other is not one and _overlap(one, other) and _first(other) <= _first(one):
                wrong = said("{id} has two names or kinds at once", id=one.id)
                yield Fault(name, line, wrong, said("end the earlier one on the day before"))
        for other_id in (*one.predecessors, *one.successors, *([one.within] if one.within else [])):
            if other_id not in self._by_id:
                wrong = said("there is no organisation “{other_id}”", other_id=other_id)
                yield Fault(name, line, wrong, nearest(other_id, list(self._by_id)))
        if one.unit and not units.known(one.unit, day := one.until or one.since or date.max):
            wrong = said("there is no unit “{unit}” on {day} for {id}", unit=one.unit, day=day, id=one.id)
            yield Fault(name, line, wrong, said("write the code of a unit that existed on that day"))

    def _code_faults(self, one: Identifier, name: str, line: int) -> Iterator[Fault]:
        yield from _order(one, name, line)
        if one.organisation not in self._by_id:
            wrong = said("there is no organisation “{organisation}”", organisation=one.organisation)
            yield Fault(name, line, wrong, nearest(one.organisation, list(self._by_id)))
        for other in self._identifiers:
            same = (other.scheme, other.code) == (one.scheme, one.code)
            if other is not one and same and _overlap(one, other) and _first(other) <= _first(one):
                wrong = said("the code {code} stands for two organisations at once, or twice for one", code=one.code)
                yield Fault(name, line, wrong, said("end the earlier one on the day before"))

    @cached_property
    def _read(self) -> tuple[list[tuple[Organisation, str, int]], list[Fault]]:
        if self._table is None:
            return [], []
        name, path = self._table
        made, faults = read_table(path, name, COLUMNS, lambda row, line: (_organisation(row), name, line))
        return sorted(made, key=lambda placed: (placed[0].id, _first(placed[0]))), faults

    @cached_property
    def _read_codes(self) -> tuple[list[tuple[Identifier, str, int]], list[Fault]]:
        if self._codes is None:
            return [], []
        name, path = self._codes
        return read_table(path, name, IDENTIFIER_COLUMNS, lambda row, line: (_identifier(row), name, line))

    @cached_property
    def _by_id(self) -> Mapping[str, list[Organisation]]:
        groups: dict[str, list[Organisation]] = {}
        for one, _, _ in self._read[0]:
            groups.setdefault(one.id, []).append(one)
        return groups

    @cached_property
    def _identifiers(self) -> Sequence[Identifier]:
        return [one for one, _, _ in self._read_codes[0]]


def _first(one: Organisation | Identifier) -> date:
    return one.since or date.min


def _valid(one: Organisation | Identifier, on: date) -> bool:
    return _first(one) <= on <= (one.until or date.max)


def _overlap(one: Organisation | Identifier, other: Organisation | Identifier) -> bool:
    return _first(one) <= (other.until or date.max) and _first(other) <= (one.until or date.max)


def _order(one: Organisation | Identifier, name: str, line: int) -> Iterator[Fault]:
    if one.until and one.until < _first(one):
        yield Fault(name, line, said("this row ends before it begins"), said("correct one of the two dates"))


def _organisation(row: Row) -> Organisation:
    _check(row, "id", "kind")
    return Organisation(
        id=row["id"],
        kind=row["kind"],
        name={column[5:]: value for column, value in row.items() if column.startswith("name_") and value},
        since=_date(row["valid_from"]),
        until=_date(row["valid_until"]),
        unit=row["unit"],
        within=row["within"],
        predecessors=tuple(row["predecessors"].split()),
        successors=tuple(row["successors"].split()),
        source=row["source"],
        confidence=row["confidence"],
    )


def _identifier(row: Row) -> Identifier:
    _check(row, "organisation", "scheme", "code")
    return Identifier(
        organisation=row["organisation"],
        scheme=row["scheme"],
        code=row["code"],
        since=_date(row["valid_from"]),
        until=_date(row["valid_until"]),
        source=row["source"],
        confidence=row["confidence"],
    )


def _check(row: Row, *needed: str) -> None:
    if missing := [column for column in (*needed, "source") if not row[column]]:
        raise ValueError(said("this row has no {names}", names=", ".join(missing)), said("fill it in"))
    if row["confidence"] not in CONFIDENCES:
        raise ValueError(
            said("“{confidence}” is not a confidence", confidence=row["confidence"]),
            said("write one of {names}", names=", ".join(CONFIDENCES)),
        )


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
