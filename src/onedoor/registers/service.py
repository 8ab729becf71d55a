"""The door of the registers: look up and write through the gate, load in bulk, count."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from onedoor.identity import service as identity
from onedoor.kernel import clock, nation
from onedoor.kernel.access import acting
from onedoor.kernel.actor import Actor
from onedoor.kernel.said import Said, said
from onedoor.kernel.settings import current
from onedoor.kernel.text import Text
from onedoor.privacy.service import WRITE, Permit, Reader, check, permit, permitting
from onedoor.registers import corrections, importing, loading, rules, storage, writing
from onedoor.registers.definition import Register, held, register_of, registers, to_read, to_write
from onedoor.registers.errors import (
    BadQuestion,
    BadRecord,
    ClosedVersion,
    DraftVersion,
    InArchive,
    KeyUsed,
    NoNumberLeft,
    NotSettled,
    UnknownLookup,
    UnknownRegister,
    UnknownVersion,
)
from onedoor.registers.importing import Report, RowFault
from onedoor.registers.indexing import bring_forward, refuse_to_miss
from onedoor.registers.models import Record
from onedoor.registers.provenance import Provenance, provenance_of
from onedoor.registers.published import keep as keep_schemas
from onedoor.registers.words import say
from onedoor.store.sealed import BadEnvelope

__all__ = [
    "BadQuestion",
    "BadRecord",
    "ClosedVersion",
    "DraftVersion",
    "Found",
    "InArchive",
    "KeyUsed",
    "NoNumberLeft",
    "NotSettled",
    "Provenance",
    "Reader",
    "Report",
    "RowFault",
    "UnknownLookup",
    "UnknownRegister",
    "UnknownVersion",
    "bring_forward",
    "bring_in",
    "correctable",
    "count",
    "keep_schemas",
    "load",
    "looking_up",
    "lookup",
    "may_decide",
    "names",
    "provenance",
    "refuse_to_miss",
    "say",
    "try_out",
    "whose",
    "with_id",
    "write",
]
LATE = "registers.late"


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up found: the records, cut to the permitted fields, and the id of the record of this read.

    ``versions`` are the ids of the versions that hold, in the order of the records.
    """

    records: list[dict[str, Any]]
    record: str
    versions: tuple[UUID, ...] = ()


def lookup(
    register: str,
    by: Mapping[str, str],
    *,
    reader: Reader,
    wanted: Sequence[str] | None = None,
    valid_on: date | None = None,
    known_on: datetime | None = None,
    version: int | None = None,
) -> Found:
    """Return the records *by* finds, in the fields *reader* may read, once the read is on record.

    They are as they were on the day *valid_on* (today when None), as the State knew at the moment *known_on* (aware and
    past; now when None): that answer never changes. Both need a purpose the register's `history` names. They have the
    fields of the register's *version* (the current one when None), whatever they were written under. Raise
    `UnknownRegister`, `UnknownVersion`, `DraftVersion`, `UnknownLookup`, `BadQuestion`, `NotPermitted`, or `NotSettled`
    when a write that may bear that moment takes long. It cannot stand in an open transaction.
    """
    with looking_up(
        register, by, reader=reader, wanted=wanted, valid_on=valid_on, known_on=known_on, version=version
    ) as found:
        return found


@contextmanager
def looking_up(
    register: str,
    by: Mapping[str, str],
    *,
    reader: Reader,
    wanted: Sequence[str] | None = None,
    valid_on: date | None = None,
    known_on: datetime | None = None,
    version: int | None = None,
) -> Iterator[Found]:
    """As `lookup`; what was found may leave only after the block, at whose end the read is on record, or it raises."""
    definition = to_read(register, version)
    key = definition.lookup_of(by)
    asked = rules.persons_asked(definition, key, by)
    day, archive = valid_on or nation.current().today(), _archive(definition, reader)
    find = partial(storage.find, definition, key, by, valid_on=day, known_on=known_on, archive=archive)
    shown = list(definition.fields) if wanted is None else wanted
    about = rules.shares_asked(definition, key, asked, shown)
    if about and not valid_on and not known_on:
        with permitting(reader, register=register, persons=about, wanted=shown) as allowed:
            found = find()
            if any(person not in about for record in found.values() for person in rules.persons(definition, record)):
                raise BadEnvelope  # somebody past the programs has the look-up find whom it is not recorded of
            yield _cut(found, allowed)
        return
    check(reader, register=register, persons=asked, wanted=wanted)
    if valid_on or known_on:
        _check_past(definition, reader, asked, known_on)
    found = find()
    about = rules.shares(definition, found.values(), asked, shown)
    with permitting(reader, register=register, persons=about, wanted=shown) as allowed:
        yield _cut(found, allowed)


def with_id(
    register: str, name: UUID, *, reader: Reader, wanted: Sequence[str] | None = None, version: int | None = None
) -> Found:
    """Return the record whose first version is *name* as it is today, as `lookup` does."""
    definition = to_read(register, version)
    check(reader, register=register, persons=[], wanted=wanted)
    archive = _archive(definition, reader)
    found = storage.with_id(definition, name, valid_on=nation.current().today(), archive=archive)
    shown = list(definition.fields) if wanted is None else wanted
    about = rules.shares(definition, found.values(), [], shown)
    return _cut(found, permit(reader, register=register, persons=about, wanted=shown))


def _cut(found: Mapping[UUID, Mapping[str, Any]], allowed: Permit) -> Found:
    cut = [{name: record[name] for name in allowed.fields} for record in found.values()]
    return Found(cut, allowed.record, tuple(found))


def whose(
    register: str, records: Iterable[Mapping[str, Any]], by: Mapping[str, str], fields: Collection[str]
) -> list[str]:
    """Return the personal numbers of those whose own one of *fields* is in *records* that *by* found, or nothing did.

    It is what a read of these fields is shown to (see `rules.shares`), known wherever the records are; nothing is read.
    """
    definition = registers()[register]
    asked = rules.persons_asked(definition, definition.lookup_of(by), by) if by else []
    found = rules.shares(definition, records, asked, fields)
    return [person for person, own in found.items() if person and own and set(own).intersection(fields)]


def provenance(register: str, by: Mapping[str, str], *, reader: Reader) -> list[Provenance]:
    """Return who wrote every version of the records *by* finds, in which case and on which basis, oldest first.

    It is a read of the past: the register's `history` must name the purpose, and it is on record before it is
    answered. Raise `UnknownRegister`, `UnknownLookup` or `NotPermitted`. It cannot stand in an open transaction.
    """
    definition = register_of(register)
    key = definition.lookup_of(by)
    asked = rules.persons_asked(definition, key, by)
    check(reader, register=register, persons=asked)
    _check_past(definition, reader, asked, None)
    versions = storage.versions(definition, key, by, archive=_archive(definition, reader))
    shown = [definition.identity[0].partition(".")[0]]
    about = rules.shares(definition, (storage.opened(definition, version) for version in versions), asked, shown)
    permit(reader, register=register, persons=about, wanted=shown)
    return provenance_of(versions)


def _archive(register: Register, reader: Reader) -> bool:
    """Return whether *reader* asks for a purpose that still finds what is in the archive."""
    return bool(register.retention and reader.purpose in register.retention.archive_for)


def _check_past(register: Register, reader: Reader, persons: Sequence[str], known_on: datetime | None) -> None:
    """Return when *reader* may ask for another day or earlier knowledge; a refusal is recorded."""
    if known_on and (known_on.utcoffset() is None or known_on >= clock.now()):
        raise BadQuestion(what=said("known_on must be a moment in the past, with its time zone"))
    if reader.purpose not in register.history:
        check(reader, register=register.id, persons=persons, wanted=["(history)"])


def write(
    register: str,
    values: Mapping[str, Any],
    *,
    reader: Reader,
    key: str,
    valid_from: date | None = None,
    valid_until: date | None = None,
    version: int | None = None,
) -> dict[str, Any]:
    """Write a record, new or the next version of the one with the same identity, and return what was written.

    It holds from the day *valid_from* (today when None, always for a new record) up to, not including, *valid_until*;
    days of the past make it a correction. Fields that are not given stay as they are on those days (or take their
    defaults), a missing identifier is given by the register's scheme. The same *key* again returns the same record.
    A *version* of the register's definition is the one that takes writes today, or the write is refused.
    Raise `BadRecord`, `KeyUsed`, `InArchive`, `NotPermitted`, `UnknownVersion`, `DraftVersion` or `ClosedVersion`. It
    joins an open transaction: record, version and event come with it or not at all.
    """
    return writing.write(to_write(register, version), writing.Request(values, reader, key, valid_from, valid_until))


def try_out(register: str, values: Mapping[str, Any], *, reader: Reader, version: int | None = None) -> list[Said]:
    """Return what is wrong with *values* as a new record under a *version*, a draft too; nothing is written.

    A missing identifier is not given. Raise `UnknownRegister`, `UnknownVersion`, `NotPermitted`.
    """
    definition = register_of(register, version)
    persons = rules.persons(definition, values)
    check(reader, register=definition.id, persons=persons, wanted=list(values), operation=WRITE)
    record = rules.completed(definition, {}, values)
    if record.get(definition.identifier.field):
        return rules.faults(definition, record)
    return rules.form_faults(definition, record, definition.identifier.field)


def load(register: str, rows: Iterable[Mapping[str, Any]], progress: Callable[[int], None] = lambda _done: None) -> int:
    """Load the owner's own *rows* in one transaction and return how many; *progress* is told how many are done."""
    return loading.load(register_of(register), rows, progress)


def bring_in(
    register: str,
    lines: Iterable[str],
    *,
    dry_run: bool = False,
    good_rows: bool = False,
    in_parts: bool = False,
    progress: Callable[[int], None] = lambda _done: None,
    version: int | None = None,
) -> Report:
    """Load an owner's file, one JSON object a line, in one transaction; report every fault by line and field.

    One bad row keeps all out unless *good_rows*; a *dry_run* loads nothing. *in_parts* what is loaded stays and what is
    there already is passed over, so a load goes on where it ended. *progress* is told how many lines are done.
    The report holds no values. The rows are held against a *version* of the register's definition: the one that takes
    writes, or for a dry run any, a draft too. Raise `UnknownRegister`, `UnknownVersion`, `DraftVersion` or
    `ClosedVersion`.
    """
    definition = register_of(register, version) if dry_run else to_write(register, version)
    return importing.bring_in(
        definition, lines, dry_run=dry_run, good_rows=good_rows, in_parts=in_parts, progress=progress
    )


def correctable() -> Mapping[str, tuple[str, ...]]:
    """Return by register the fields whose correction a person may ask for at this portal."""
    return {register.id: tuple(field.id for field in fields) for register, fields in corrections.correctable()}


def may_decide(actor: Actor) -> bool:
    """Return whether the actor's post decides on what persons call wrong in a register of this system."""
    return bool(corrections.decided_by(actor))


def count_along() -> None:
    """Have late requests for a correction counted in the statement that says who acts, where they are decided."""
    if current().role != "portal":
        identity.ask_beside(LATE, corrections.LATE, clock.now)


def late_corrections(request: HttpRequest) -> int:
    """Return how many of the requests the acting officer's post decides on were past their limit when it came in."""
    return corrections.late_at_desk(acting(request), identity.beside(request, LATE) or {})


def count(register: str) -> int:
    """Return how many records *register* holds, each counted once whatever its versions, one that ended too."""
    return Record.objects.filter(register=register_of(register).id, recorded_until=None).count()


def names() -> Mapping[str, Text]:
    """Return the names of the registers this system holds, by id."""
    return {key: one.name for key, one in held().items()}
