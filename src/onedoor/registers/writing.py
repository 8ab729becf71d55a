"""A write: idempotent by key, validated, recorded at the gate, new versions, an event; one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import uuid7
from onedoor.kernel.said import listed, said
from onedoor.privacy.service import WRITE, Reader, check, permit, turned_away
from onedoor.registers import following, history, rules, storage
from onedoor.registers.definition import Register
from onedoor.registers.errors import BadRecord, InArchive, KeyUsed, NoNumberLeft, NoSuchRecord, RecordExists
from onedoor.registers.events import RecordWritten
from onedoor.registers.history import ALWAYS, FOREVER, Span
from onedoor.registers.models import Record
from onedoor.store import outbox, rows

TRIES = 20
HANGS_ON_WHAT_IS_KEPT = (BadRecord, InArchive, NoNumberLeft, NoSuchRecord, RecordExists)
"""What a write is refused for once it was looked what there is: asked often, that would tell who is in a register."""
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be written, by whom, under which key, and the days it is about (None: not said)."""

    values: Mapping[str, Any]
    reader: Reader
    key: str
    valid_from: date | None = None
    valid_until: date | None = None
    new: bool = False
    """Whether there may be no such record yet."""

    @property
    def marked(self) -> dict[str, Any]:
        """Return what the mark of the request covers."""
        days = {"valid_from": self.valid_from, "valid_until": self.valid_until}
        said = {name: day.isoformat() for name, day in days.items() if day}
        return {**self.values, **({"": said} if said else {})}


def write(register: Register, request: Request) -> dict[str, Any]:
    """Write what *request* says; return the fields of the record that its reader may write, with its identifier."""
    values, reader = request.values, request.reader
    check(reader, register=register.id, persons=rules.persons(register, values), wanted=list(values), operation=WRITE)
    with told_when_turned_away(register, request):
        record = _write(register, request)
    shown = {*values, *(path.partition(".")[0] for path in register.identity), register.identifier.field}
    return {name: value for name, value in record.items() if name in shown}


@contextmanager
def told_when_turned_away(register: Register, request: Request) -> Iterator[None]:
    """Do all inside or nothing; a refusal is on record where it hangs on what is kept of the record that is named."""
    values = request.values
    try:
        with transaction.atomic():
            yield
    except HANGS_ON_WHAT_IS_KEPT:
        if rules.identity(register, values) is not None:
            persons = rules.persons(register, values)
            turned_away(request.reader, register=register.id, persons=persons, wanted=list(values), operation=WRITE)
        raise


def _write(register: Register, request: Request) -> dict[str, Any]:
    """Write the record, or return what the same request wrote before.

    A number left to chance is drawn first, and again when a record has it: one round trip tells all there is to know.
    """
    said = rules.identity(register, request.values) is not None
    drawn = not said and register.identifier.drawn
    for _ in range(TRIES if drawn else 1):
        new = _record(register, request, None) if drawn else None
        identity = storage.identity_of(register, new or request.values) if new or said else None
        begun = storage.begin(register, request.reader.client, request.key, identity)
        if begun.under_key:
            return _already(register, request, begun.under_key)
        if not (new and begun.versions):
            return _versions(register, request, begun.versions, new)
    raise NoNumberLeft(register=register.id)


def _already(register: Register, request: Request, row: Record) -> dict[str, Any]:
    """Return what a request with the same key wrote into *row*; raise `KeyUsed` when it asked for something else."""
    if bytes(row.request) != storage.request_mark(register, request.marked):
        raise KeyUsed
    record = storage.opened(register, row)
    _permit(register, request, record)
    return record


def _versions(
    register: Register, request: Request, before: Sequence[Record], new: dict[str, Any] | None
) -> dict[str, Any]:
    """Write a version for every part of the days that has other fields to keep; return the first."""
    if before and storage.in_archive(register, before[-1]):
        raise InArchive(register=register.id)
    if request.new and storage.holding(before, nation.current().today()):
        raise RecordExists(register=register.id)
    kept = {version.version: version for version in before if not version.ends}
    spans = _spans(register, request, before)
    parts = [(span, new or _record(register, request, kept.get(span.holds or 0))) for span in spans]
    numbered = not new and rules.identity(register, request.values) is None
    if numbered and storage.identity_taken(storage.identity_of(register, parts[0][1])):
        raise NoNumberLeft(register=register.id)
    moment = _moment(before)
    number = before[-1].version if before else 0
    written: list[Record] = []
    with rows.one_trip():
        if before:
            storage.supersede(before[-1], moment)
        for place, (span, record) in enumerate(parts, 1):
            row = _row(register, request, span)
            row.version, row.recorded_from = number + place, moment
            row.recorded_until = moment if place < len(parts) else None
            if place == 1 and request.key:
                row.key, row.request = request.key, storage.request_mark(register, request.marked)
            _store(register, request, record, row)
            written.append(row)
            following.tell_all(row, (before or written)[0].id, request.values)
    return parts[0][1]


def end(register: Register, name: UUID, request: Request) -> None:
    """Write that the record whose first version is *name* holds no more from today on, once for the key.

    It takes the right to write every field. Raise `NoSuchRecord`, `NotPermitted` or `KeyUsed`.
    """
    reader, every = request.reader, list(register.fields)
    check(reader, register=register.id, persons=[], wanted=every, operation=WRITE)
    identity = storage.identity_with(register, name)
    if identity is None:
        raise NoSuchRecord(register=register.id)
    with transaction.atomic():
        begun = storage.begin(register, reader.client, request.key, identity)
        mark = storage.request_mark(register, request.marked)
        if begun.under_key and bytes(begun.under_key.request) != mark:
            raise KeyUsed
        if not begun.under_key:
            _end(register, request, name, begun.versions, mark)


def _end(register: Register, request: Request, name: UUID, before: Sequence[Record], mark: bytes) -> None:
    """Write a version without anything in it, from today on, behind those *before*."""
    today = nation.current().today()
    held = storage.holding(before, today)
    if held is None:
        raise NoSuchRecord(register=register.id)
    persons = rules.shares(register, [storage.opened(register, held)])
    row, moment = _row(register, request, Span(today, FOREVER, None)), _moment(before)
    row.identity, row.version, row.recorded_from = before[-1].identity, before[-1].version + 1, moment
    row.key, row.request = request.key, mark
    row.permit = permit(
        request.reader, register=register.id, persons=persons, wanted=list(register.fields), operation=WRITE
    ).record
    with rows.one_trip():
        storage.supersede(before[-1], moment)
        storage.insert(row, storage.Sealed({}, [], bytes(row.identity), []))
        _state(row)
        following.tell_all(row, name, register.fields, ended=True)


def _spans(register: Register, request: Request, versions: Sequence[Record]) -> list[Span]:
    """Return the days to write: those that were said, or from today on, or all days for a new record."""
    begin = request.valid_from or (nation.current().today() if versions else ALWAYS)
    end = request.valid_until or FOREVER
    if begin >= end:
        raise BadRecord(register=register.id, what=said("valid_until must be a later day than valid_from"))
    dated = [history.Version(one.version, one.valid_from, one.valid_until) for one in versions]
    return history.bases(dated, begin, end)


def _moment(versions: Sequence[Record]) -> datetime:
    """Return now, and in any case a moment after the last version: nothing known is ever known differently."""
    now = clock.now()
    return max(now, versions[-1].recorded_from + TICK) if versions else now


def _record(register: Register, request: Request, base: Record | None) -> dict[str, Any]:
    record = rules.completed(register, storage.opened(register, base) if base else {}, request.values)
    if wrong := rules.form_faults(register, record, register.identifier.field):
        raise BadRecord(register=register.id, what=listed(wrong))
    _number(register, record)
    if wrong := rules.faults(register, record):
        raise BadRecord(register=register.id, what=listed(wrong))
    return record


def _number(register: Register, record: dict[str, Any]) -> None:
    """Give *record* its identifier when it has none."""
    scheme = register.identifier
    if record.get(scheme.field):
        return
    try:
        record[scheme.field] = scheme.make(register.id, record, storage.StoredDraw())
    except ValueError as error:
        raise BadRecord(register=register.id, what=error.args[0]) from error


def _permit(register: Register, request: Request, record: Mapping[str, Any]) -> str:
    """Return the id of the gate's record of this write, in the transaction of the write."""
    persons, wanted = rules.shares(register, [record]), list(request.values)
    return permit(request.reader, register=register.id, persons=persons, wanted=wanted, operation=WRITE).record


def _row(register: Register, request: Request, span: Span) -> Record:
    return Record(
        id=uuid7(),
        register=register.id,
        schema=register.version,
        valid_from=span.valid_from,
        valid_until=span.valid_until,
        client=request.reader.client,
        user=request.reader.user,
        case=request.reader.case,
    )


def _store(register: Register, request: Request, record: Mapping[str, Any], row: Record) -> None:
    """Store the version, the gate's record of it, and the event; all of it with the transaction."""
    closed = storage.close(register, record, row.id)
    row.permit = _permit(register, request, record)
    storage.insert(row, closed)
    _state(row)


def _state(row: Record) -> None:
    by = Actor(post=row.user, agency=row.client)
    outbox.state(RecordWritten(by=by, register=row.register, record=str(row.id), version=row.version, case=row.case))
