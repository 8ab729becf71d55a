"""Loads many records of one register fast: keys in one write, envelopes and blind index by COPY."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, transaction
from psycopg import sql

from onedoor.kernel import clock
from onedoor.kernel.ids import uuid7
from onedoor.kernel.settings import current
from onedoor.registers import rules, storage, underway
from onedoor.registers.definition import Register
from onedoor.registers.errors import BadRecord
from onedoor.registers.history import ALWAYS, FOREVER
from onedoor.registers.storage import Sealed
from onedoor.store import keys

T = TypeVar("T")
BATCH = 2000
USER = "load"
OWN = ("id", "identity", "plain", "sealed")
FIXED = {
    "version": "1",
    "valid_from": ALWAYS.isoformat(),
    "valid_until": FOREVER.isoformat(),
    "user": USER,
    "case": "",
    "permit": "",
    "key": "",
    "request": "",
}


def load(register: Register, rows: Iterable[Mapping[str, Any]], progress: Callable[[int], None]) -> int:
    """Load *rows*, all or none, and return how many; raise `BadRecord` naming the first bad row."""
    done = 0
    last: dict[str, int] = {}
    with transaction.atomic():
        underway.announce(register)
        for batch in batches(rows):
            records = [_checked(register, row, done + number, last) for number, row in enumerate(batch, 1)]
            copy(register, records)
            done += len(records)
            progress(done)
        continue_numbers(last)
    if done:
        analyze()
    return done


def continue_numbers(last: Mapping[str, int]) -> None:
    """Have the next number of every scope come after its *last* one."""
    for scope, serial in last.items():
        storage.raise_serial(scope, serial)


def analyze() -> None:
    """Let the planner know what the tables hold now, in the columns it asks about."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE registers_record (id, register, identity, version, recorded_until), registers_term")


def batches(given: Iterable[T]) -> Iterator[list[T]]:
    """Yield *given* in lists of `BATCH`, the last one shorter."""
    source = iter(given)
    while batch := list(islice(source, BATCH)):
        yield batch


def _checked(register: Register, row: Mapping[str, Any], line: int, last: dict[str, int]) -> dict[str, Any]:
    record = rules.completed(register, {}, row)
    if wrong := rules.faults(register, record):
        raise BadRecord(register=register.id, what=f"row {line}: " + "; ".join(wrong))
    count_number(register, record, last)
    return record


def count_number(register: Register, record: Mapping[str, Any], last: dict[str, int]) -> None:
    """Keep in *last*, by scope, the highest serial number seen."""
    if serial := register.identifier.serial_of(register.id, record):
        scope, number = serial
        last[scope] = max(number, last.get(scope, 0))


def copy(register: Register, records: list[dict[str, Any]]) -> None:
    """Store checked *records* as first versions: keys first, then envelopes and blind index by COPY."""
    known = keys.keys_for({person for record in records for person in rules.persons(register, record)})
    closed = [(row := uuid7(), storage.close(register, record, row, known)) for record in records]
    fixed = {**FIXED, "register": register.id, "client": current().subsystem, "recorded_from": clock.now().isoformat()}
    end = "\t" + "\t".join(map(_text, fixed.values())) + "\n"
    _copy("registers_record", (*OWN, *fixed), (_record_line(row, one) + end for row, one in closed))
    terms = (f"{_bytes(value)}\t{row}\n" for row, one in closed for value in one.terms)
    _copy("registers_term", ("value", "record_id"), terms)


def _copy(table: str, columns: Iterable[str], lines: Iterable[str]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with connection.cursor() as cursor, cursor.copy(statement) as copying:
        copying.write("".join(lines))


def _record_line(row: UUID, one: Sealed) -> str:
    """Return the columns `OWN` as COPY reads them: a backslash stands for what follows it, in an array once more."""
    envelopes = ",".join("\\\\\\\\x" + envelope.hex() for envelope in one.envelopes)
    plain = _text(json.dumps(one.plain)) if one.plain else "{}"
    return f"{row}\t{_bytes(one.identity)}\t{plain}\t{{{envelopes}}}"


def _bytes(value: bytes) -> str:
    return "\\\\x" + value.hex()


def _text(value: str) -> str:
    """Return *value* as COPY reads it."""
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
