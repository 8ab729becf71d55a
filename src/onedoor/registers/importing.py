"""Brings an owner's file into a register: every fault by line and field, a dry run, nothing or the good rows alone."""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction

from onedoor.kernel.nation import nearest
from onedoor.kernel.nation.schemas import NAMES
from onedoor.kernel.said import Said, Translate, either, listed, said, spoken
from onedoor.kernel.text import gettext_noop
from onedoor.registers import loading, rules, storage, underway
from onedoor.registers.copying import Copying
from onedoor.registers.definition import Register
from onedoor.registers.models import Record

MOST = 1000
"""How many faults a report names; it counts the others."""
LIMITS = {
    "minimum": gettext_noop("write {limit} or more"),
    "maximum": gettext_noop("write {limit} or less"),
    "minLength": gettext_noop("write {limit} signs or more"),
    "maxLength": gettext_noop("write {limit} signs or fewer"),
}
"""What to write where a value lies beyond the limit of a rule of a JSON Schema."""
Rows = list[tuple[int, dict[str, Any]]]
"""Rows with the numbers of their lines."""


@dataclass(frozen=True, slots=True)
class RowFault:
    """One fault of one row: its line (from 1), the field ("" for the whole row), what is wrong, what to write."""

    line: int
    field: str
    wrong: Said
    write: Said

    def __str__(self) -> str:
        return self.text()

    def text(self, translate: Translate = str) -> str:
        """Return the fault and its place in the language of *translate*."""
        facts = {"line": self.line, "field": self.field, "fault": listed((self.wrong, self.write))}
        told = said("line {line}, {field}: {fault}", **facts) if self.field else said("line {line}: {fault}", **facts)
        return spoken(told, translate)


@dataclass(slots=True)
class Report:
    """What came of a file: rows read, good and loaded, and the first faults; never a value of a row."""

    read: int = 0
    good: int = 0
    loaded: int = 0
    faults: list[RowFault] = field(default_factory=list)
    more: int = 0

    @property
    def bad(self) -> int:
        """Return how many rows have a fault."""
        return self.read - self.good

    def add(self, faults: Iterable[RowFault]) -> None:
        """Take *faults* in, the first ones by name."""
        for fault in faults:
            if len(self.faults) < MOST:
                self.faults.append(fault)
            else:
                self.more += 1


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a file of JSON lines, gzipped when its name ends so; raise OSError."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        yield from file


def count_of(path: Path) -> int | None:
    """Return how many lines a file has; ``None`` where counting would use them up, as those of a pipe."""
    return sum(1 for _ in lines_of(path)) if path.is_file() else None


def bring_in(
    register: Register, lines: Iterable[str], *, dry_run: bool, good_rows: bool, progress: Callable[[int], None]
) -> Report:
    """Load the JSON objects in *lines* in one transaction and report; one fault keeps all rows out.

    With *good_rows* the others come in all the same; a *dry_run* loads nothing. *progress* is told the lines done.
    """
    bringing = _Bringing(register)
    with transaction.atomic():
        underway.announce(register)
        with Copying(register) as copying:
            for batch in loading.batches(enumerate(lines, 1)):
                copying.wait()
                rows = bringing.checked(batch)
                if rows and not dry_run and (good_rows or not bringing.report.bad):
                    copying.copy([record for _, record in rows])
                progress(batch[-1][0])
        report = bringing.report
        if dry_run or (report.bad and not good_rows):
            transaction.set_rollback(True)
            return report
        loading.continue_numbers(bringing.last)
    loading.analyze()
    report.loaded = report.good
    return report


class _Bringing:
    """What is remembered while a file is read: its report, its last numbers, and where each record stood."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self.report = Report()
        self.last: dict[str, int] = {}
        self.seen: dict[bytes, int] = {}

    def checked(self, batch: list[tuple[int, str]]) -> Rows:
        """Return the good rows of *batch*; what is wrong with the others stands in the report."""
        read = [(line, text, *_parsed(self.register, line, text)) for line, text in batch if text.strip()]
        found = [(line, record) for line, _, record, faults in read if not faults]
        held = self._held(record for _, record in found)
        wrong = {line: faults for line, _, _, faults in read if faults}
        for line, record in found:
            if fault := self._repeated(line, record, held):
                wrong[line] = [fault]
        self.report.read += len(read)
        self.report.good += len(read) - len(wrong)
        for line in sorted(wrong):
            self.report.add(wrong[line])
        good = [(line, record) for line, record in found if line not in wrong]
        for _, record in good:
            loading.count_number(self.register, record, self.last)
        return good

    def _held(self, records: Iterable[Mapping[str, Any]]) -> set[bytes]:
        identities = [storage.identity_of(self.register, record) for record in records]
        rows = Record.objects.filter(identity__in=identities, version=1).values_list("identity", flat=True)
        return {bytes(identity) for identity in rows}

    def _repeated(self, line: int, record: Mapping[str, Any], held: set[bytes]) -> RowFault | None:
        identity = storage.identity_of(self.register, record)
        before = self.seen.setdefault(identity, line)
        name = ", ".join(self.register.identity)
        if before != line:
            wrong = said("this record stands in line {line} already", line=before)
            return RowFault(line, name, wrong, said("keep one of the two"))
        if identity in held:
            wrong = said("the register holds this record already")
            return RowFault(line, name, wrong, said("leave the row out; a change of the record is a write"))
        return None


def _parsed(register: Register, line: int, text: str) -> tuple[dict[str, Any], list[RowFault]]:
    """Return the record in a line, and what is wrong with it."""
    try:
        row = json.loads(text)
    except ValueError as error:
        at = error.pos + 1 if isinstance(error, json.JSONDecodeError) else None
        wrong = said("this is not JSON at sign {at}", at=at) if at else said("this is not JSON")
        return {}, [RowFault(line, "", wrong, said("write one JSON object a line"))]
    if not isinstance(row, dict):
        return {}, [RowFault(line, "", said("this is not a JSON object"), said("write {“field”: value, …}"))]
    record = rules.completed(register, {}, row)
    faults = [RowFault(line, *fault) for fault in _form_faults(register, record)]
    if not faults and not register.identifier.agrees(record):
        wrong = said("the number does not follow the scheme for this record")
        instead = said("write the number that was given to this record")
        faults = [RowFault(line, register.identifier.field, wrong, instead)]
    return record, faults


def _form_faults(register: Register, record: Mapping[str, Any]) -> Iterator[tuple[str, Said, Said]]:
    """Yield field, what is wrong and what to write for everything that does not fit the schema."""
    for error in register.validator.iter_errors(dict(record)):
        place, kind = [str(part) for part in error.instance_path], error.kind.name
        facts = error.kind.as_dict()
        if "property" in facts:
            yield ".".join([*place, facts["property"]]), said("is missing"), said("write its value")
        elif "unexpected" in facts:
            known = list(register.fields) if not place else []
            for name in facts["unexpected"]:
                yield ".".join([*place, str(name)[:40]]), said("there is no such field"), nearest(str(name), known)
        else:
            yield ".".join(place), said("is not of the right form ({kind})", kind=kind), _advice(kind, facts)


def _advice(kind: str, facts: Mapping[str, Any]) -> Said:
    """Return what to write where a value broke the rule *kind* of a JSON Schema."""
    match kind:
        case "enum":
            return said("write one of: {names}", names=", ".join(str(option) for option in facts["options"]))
        case "format" if facts["format"] == "date":
            return said("write a day such as 2026-03-31")
        case "format" | "pattern":
            return said("write it in the form {form}", form=facts[kind])
        case "type":
            return said("write {wanted}", wanted=either(NAMES[name] for name in facts["types"]))
        case name if name in LIMITS:
            return said(LIMITS[name], limit=facts["limit"])
    return said("correct it by the register's schema")
