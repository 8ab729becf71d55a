"""Loads many records of one register fast: keys in one write, envelopes and blind index by COPY."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, transaction
from psycopg import sql
from psycopg.types.json import Jsonb

from onedoor.kernel import clock
from onedoor.kernel.ids import uuid7
from onedoor.kernel.settings import current
from onedoor.registers import rules, storage
from onedoor.registers.definition import Register
from onedoor.registers.errors import BadRecord
from onedoor.registers.history import ALWAYS, FOREVER
from onedoor.store import keys

T = TypeVar("T")
BATCH = 1000
USER = "load"
RECORD = ("id", "register", "identity", "plain", "sealed", "recorded_from", "client", "user")
CONSTANT = {
    "version": 1,
    "valid_from": ALWAYS,
    "valid_until": FOREVER,
    "case": "",
    "permit": "",
    "key": "",
    "request": b"",
}


def load(register: Register, rows: Iterable[Mapping[str, Any]], progress: Callable[[int], None]) -> int:
    """Load *rows*, all or none, and return how many; raise `BadRecord` naming the first bad row."""
    done = 0
    last: dict[str, int] = {}
    with transaction.atomic():
        storage.hold_open(register)
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
    """Let the planner know what the tables hold now."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE registers_record, registers_term")


def batches(rows: Iterable[T]) -> Iterator[list[T]]:
    """Yield *rows* in lists of `BATCH`, the last one shorter."""
    source = iter(rows)
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
    keys.prepare({person for record in records for person in rules.persons(register, record)})
    closed = [(row := uuid7(), storage.close(register, record, row)) for record in records]
    fixed = (clock.now(), current().subsystem, USER, *CONSTANT.values())
    with connection.cursor() as cursor:
        with cursor.copy(_into("registers_record", (*RECORD, *CONSTANT))) as records_in:
            for row, one in closed:
                records_in.write_row((row, register.id, one.identity, Jsonb(dict(one.plain)), one.envelopes, *fixed))
        with cursor.copy(_into("registers_term", ("value", "record_id"))) as terms_in:
            for row, one in closed:
                for value in set(one.terms):
                    terms_in.write_row((value, row))


def _into(table: str, columns: tuple[str, ...]) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
