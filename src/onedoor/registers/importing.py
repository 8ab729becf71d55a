"""Brings an owner's file into a register: every fault by line and field, a dry run, nothing or the good rows alone."""

import gzip
import json
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
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
from onedoor.registers.errors import TornFile
from onedoor.registers.models import Record
from onedoor.store.locks import one_at_a_time

MOST = 1000
"""How many faults a report names; it counts the others."""
LIMITS = {
    "minimum": gettext_noop("write {limit} or more"),
    "maximum": gettext_noop("write {limit} or less"),
    "minLength": gettext_noop("write {limit} signs or more"),
    "maxLength": gettext_noop("write {limit} signs or fewer"),
}
"""What to write where a value lies beyond the limit of a rule of a JSON Schema."""
PART = 4
"""Batches that come in together where a file is loaded in parts."""
Batch = list[tuple[int, str]]
"""Lines with their numbers."""
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
    """What came of a file: rows read, good, passed over and loaded, and the first faults; never a value of a row."""

    read: int = 0
    good: int = 0
    held: int = 0
    loaded: int = 0
    faults: list[RowFault] = field(default_factory=list)
    more: int = 0

    @property
    def bad(self) -> int:
        """Return how many rows have a fault."""
        return self.read - self.good - self.held

    def add(self, faults: Iterable[RowFault]) -> None:
        """Take *faults* in, the first ones by name."""
        for fault in faults:
            if len(self.faults) < MOST:
                self.faults.append(fault)
            else:
                self.more += 1


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a file of JSON lines, gzipped when its name ends so; raise OSError or `TornFile`.

    A byte that is not UTF-8 stands in its line as half a sign, so that this line alone is bad.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", errors="surrogateescape") as file:
            yield from file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TornFile(path=path) from error


def count_of(path: Path) -> int | None:
    """Return how many lines a file has; ``None`` where counting would use them up, as those of a pipe."""
    return sum(1 for _ in lines_of(path)) if path.is_file() else None


def bring_in(
    register: Register,
    lines: Iterable[str],
    *,
    dry_run: bool,
    good_rows: bool,
    in_parts: bool,
    progress: Callable[[int], None],
) -> Report:
    """Load the JSON objects in *lines* and report; one transaction, and one fault keeps all rows out.

    With *good_rows* the others come in all the same; a *dry_run* loads nothing. *in_parts* each `PART` of them has a
    transaction of its own, and what the register holds is passed over: a load that ended early goes on, or at the first
    part with a fault ends. *progress* is told the lines done.
    """
    bringing = _Bringing(register, passing=in_parts)
    batches = loading.batches(enumerate(lines, 1))
    part = PART if in_parts and not dry_run else None
    while _load(bringing, islice(batches, part), dry_run, good_rows, progress) and part:
        pass
    if bringing.report.loaded:
        loading.analyze()
    return bringing.report


def _load(
    bringing: "_Bringing", batches: Iterable[Batch], dry_run: bool, good_rows: bool, progress: Callable[[int], None]
) -> bool:
    """Load *batches* in one transaction, all or none; return whether there were some and they are kept."""
    report, some = bringing.report, False
    with transaction.atomic():
        one_at_a_time(f"registers.load:{bringing.register.id}")  # who loads the same at the same time finds it there
        underway.announce(bringing.register)
        with Copying(bringing.register) as copying:
            for batch in batches:
                copying.wait()
                rows = bringing.checked(batch)
                if rows and not dry_run and (good_rows or not report.bad):
                    copying.copy([record for _, record in rows])
                progress(batch[-1][0])
                some = True
        if dry_run or (report.bad and not good_rows):
            transaction.set_rollback(True)
            return False
        loading.continue_numbers(bringing.last)
    report.loaded = report.good
    return some


class _Bringing:
    """What is remembered while a file is read: its report, its last numbers, and where each record stood."""

    def __init__(self, register: Register, *, passing: bool) -> None:
        self.register, self.passing = register, passing
        self.report = Report()
        self.last: dict[str, int] = {}
        self.seen: dict[bytes, int] = {}

    def checked(self, batch: Batch) -> Rows:
        """Return the good rows of *batch*; what is wrong with the others stands in the report."""
        read = [(line, *_parsed(self.register, line, text)) for line, text in batch if text.strip()]
        wrong = {line: faults for line, _, faults in read if faults}
        found = {line: record for line, record, faults in read if not faults}
        identities = {line: storage.identity_of(self.register, record) for line, record in found.items()}
        wrong |= {line: [fault] for line, one in identities.items() if (fault := self._repeated(line, one))}
        held = _held(identities.values())
        there = {line for line, one in identities.items() if one in held and line not in wrong}
        if not self.passing:
            wrong |= {line: [_there(self.register, line)] for line in there}
            there = set()
        self.report.read += len(read)
        self.report.held += len(there)
        self.report.good += len(read) - len(wrong) - len(there)
        for line in sorted(wrong):
            self.report.add(wrong[line])
        good = [(line, record) for line, record in found.items() if line not in wrong and line not in there]
        for _, record in good:
            loading.count_number(self.register, record, self.last)
        return good

    def _repeated(self, line: int, identity: bytes) -> RowFault | None:
        before = self.seen.setdefault(identity, line)
        if before == line:
            return None
        wrong = said("this record stands in line {line} already", line=before)
        return RowFault(line, ", ".join(self.register.identity), wrong, said("keep one of the two"))


def _held(identities: Collection[bytes]) -> set[bytes]:
    """Return which of *identities* the register holds already."""
    rows = Record.objects.filter(identity__in=identities, version=1).values_list("identity", flat=True)
    return {bytes(identity) for identity in rows}


def _there(register: Register, line: int) -> RowFault:
    wrong = said("the register holds this record already")
    instead = said("leave the row out; a change of the record is a write")
    return RowFault(line, ", ".join(register.identity), wrong, instead)


def _parsed(register: Register, line: int, text: str) -> tuple[dict[str, Any], list[RowFault]]:
    """Return the record in a line, and what is wrong with it."""
    try:
        row = json.loads(text)
        if not _can_be_kept(text, row):
            wrong = said("it holds what is no sign of UTF-8, or the sign \\u0000")
            return {}, [RowFault(line, "", wrong, said("save it as UTF-8 text"))]
    except (ValueError, RecursionError) as error:
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


def _can_be_kept(text: str, row: object) -> bool:
    """Return whether all signs in a line can be kept: JSON can escape half a sign, and one the database lacks."""
    try:
        text.encode()
        return "\\u" not in text or ("\\u0000" not in text and bool(json.dumps(row, ensure_ascii=False).encode()))
    except UnicodeEncodeError:
        return False


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
