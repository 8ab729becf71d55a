"""Loads many records of one register fast, all or none."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, transaction

from onedoor.kernel.said import listed, said
from onedoor.registers import rules, storage, underway
from onedoor.registers.copying import Copying
from onedoor.registers.definition import Register
from onedoor.registers.errors import BadRecord

T = TypeVar("T")
FIRST, BATCH = 500, 5000
"""Rows of the first batch, and at most: each is twice the one before."""


def load(register: Register, rows: Iterable[Mapping[str, Any]], progress: Callable[[int], None]) -> int:
    """Load *rows*, all or none, and return how many; raise `BadRecord` naming the first bad row."""
    done = 0
    last: dict[str, int] = {}
    with transaction.atomic():
        underway.announce(register)
        with Copying(register) as copying:
            for batch in batches(rows):
                records = [_checked(register, row, done + number, last) for number, row in enumerate(batch, 1)]
                copying.copy(records)
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
    """Yield *given* in lists that grow from `FIRST` to `BATCH`, so that the database soon works beside."""
    source, size = iter(given), min(FIRST, BATCH)
    while batch := list(islice(source, size)):
        yield batch
        size = min(2 * size, BATCH)


def _checked(register: Register, row: Mapping[str, Any], line: int, last: dict[str, int]) -> dict[str, Any]:
    record = rules.completed(register, {}, row)
    if wrong := rules.faults(register, record):
        raise BadRecord(register=register.id, what=said("row {line}: {faults}", line=line, faults=listed(wrong)))
    count_number(register, record, last)
    return record


def count_number(register: Register, record: Mapping[str, Any], last: dict[str, int]) -> None:
    """Keep in *last*, by scope, the highest serial number seen."""
    if serial := register.identifier.serial_of(register.id, record):
        scope, number = serial
        last[scope] = max(number, last.get(scope, 0))
