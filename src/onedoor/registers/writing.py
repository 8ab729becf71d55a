"""A write: idempotent by key, validated, recorded at the gate, a new version, an event; one transaction."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import uuid7
from onedoor.privacy.service import WRITE, Reader, check, permit
from onedoor.registers import rules, storage
from onedoor.registers.definition import Register
from onedoor.registers.errors import BadRecord, KeyUsed, NoNumberLeft
from onedoor.registers.events import RecordWritten
from onedoor.registers.models import Record
from onedoor.store import outbox

TRIES = 20


def write(register: Register, values: Mapping[str, Any], *, reader: Reader, key: str) -> dict[str, Any]:
    """Write *values* and return the fields of the record that the reader may write, with its identifier."""
    check(reader, register=register.id, persons=rules.persons(register, values), wanted=list(values), operation=WRITE)
    with transaction.atomic():
        if key:
            storage.one_at_a_time(f"{register.id}\n{reader.client}\n{key}")
        before = _already(register, values, reader, key) if key else None
        record = before if before is not None else _write(register, values, reader, key)
    shown = {*values, *(path.partition(".")[0] for path in register.identity), register.identifier.field}
    return {name: value for name, value in record.items() if name in shown}


def _already(register: Register, values: Mapping[str, Any], reader: Reader, key: str) -> dict[str, Any] | None:
    """Return what a request with the same key wrote; raise `KeyUsed` when it asked for something else."""
    row = Record.objects.filter(register=register.id, client=reader.client, key=key).first()
    if row is None:
        return None
    if bytes(row.request) != storage.request_mark(register, values):
        raise KeyUsed
    record = storage.opened(register, row)
    permit(reader, register=register.id, persons=rules.persons(register, record), wanted=list(values), operation=WRITE)
    return record


def _write(register: Register, values: Mapping[str, Any], reader: Reader, key: str) -> dict[str, Any]:
    current = _current(register, values)
    record = rules.completed(register, storage.opened(register, current) if current else {}, values)
    if wrong := rules.form_faults(register, record, register.identifier.field):
        raise BadRecord(register=register.id, what="; ".join(wrong))
    _number(register, record)
    if wrong := rules.faults(register, record):
        raise BadRecord(register=register.id, what="; ".join(wrong))
    persons = rules.persons(register, record)
    allowed = permit(reader, register=register.id, persons=persons, wanted=list(values), operation=WRITE)
    row = _new_version(register, record, current)
    row.client, row.user, row.case, row.permit = reader.client, reader.user, reader.case, allowed.record
    row.key, row.request = key, storage.request_mark(register, values) if key else b""
    _store(register, record, row)
    return record


def _current(register: Register, values: Mapping[str, Any]) -> Record | None:
    """Return the current version of the record *values* speak of, locked; None for a new record."""
    if rules.identity(register, values) is None:
        return None
    identity = storage.identity_of(register, values)
    storage.one_at_a_time(identity.hex())
    return Record.objects.filter(identity=identity, recorded_until=None).first()


def _number(register: Register, record: dict[str, Any]) -> None:
    """Give *record* its identifier when it has none."""
    scheme = register.identifier
    if record.get(scheme.field):
        return
    for _ in range(TRIES if scheme.drawn else 1):
        try:
            record[scheme.field] = scheme.make(register.id, record, storage.StoredDraw())
        except ValueError as error:
            raise BadRecord(register=register.id, what=str(error)) from error
        if not storage.identity_taken(storage.identity_of(register, record)):
            return
    raise NoNumberLeft(register=register.id)


def _new_version(register: Register, record: Mapping[str, Any], current: Record | None) -> Record:
    now = clock.now()
    if current:
        Record.objects.filter(id=current.id).update(recorded_until=now)
    return Record(
        id=uuid7(),
        register=register.id,
        identity=storage.identity_of(register, record),
        version=current.version + 1 if current else 1,
        recorded_from=now,
    )


def _store(register: Register, record: Mapping[str, Any], row: Record) -> None:
    closed = storage.close(register, record, row.id)
    row.plain, row.sealed = dict(closed.plain), closed.envelopes
    storage.insert(row, closed)
    by = Actor(post=row.user, agency=row.client)
    outbox.state(RecordWritten(by=by, register=register.id, record=str(row.id), version=row.version, case=row.case))
