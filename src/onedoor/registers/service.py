"""The door of the registers: look up and write through the gate, load in bulk, count."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onedoor.kernel.text import Text
from onedoor.privacy.service import Reader, check, permit
from onedoor.registers import loading, rules, storage, writing
from onedoor.registers.definition import held, register_of
from onedoor.registers.errors import (
    BadQuestion,
    BadRecord,
    KeyUsed,
    NoNumberLeft,
    UnknownLookup,
    UnknownRegister,
)
from onedoor.registers.models import Record

__all__ = [
    "BadQuestion",
    "BadRecord",
    "Found",
    "KeyUsed",
    "NoNumberLeft",
    "Reader",
    "UnknownLookup",
    "UnknownRegister",
    "count",
    "load",
    "lookup",
    "names",
    "write",
]


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up found: the records, cut to the permitted fields, and the id of the record of this read."""

    records: list[dict[str, Any]]
    record: str


def lookup(register: str, by: Mapping[str, str], *, reader: Reader, wanted: Sequence[str] | None = None) -> Found:
    """Return the current records *by* finds, in the fields *reader* may read, once the read is on record.

    Raise `UnknownRegister`, `UnknownLookup` or `NotPermitted`. It cannot stand in an open transaction.
    """
    definition = register_of(register)
    key = definition.lookup_of(by)
    asked = rules.persons_asked(definition, key, by)
    check(reader, register=register, persons=asked, wanted=wanted)
    records = storage.find(definition, key, by)
    about = list(dict.fromkeys([*asked, *(one for record in records for one in rules.persons(definition, record))]))
    allowed = permit(reader, register=register, persons=about, wanted=wanted)
    return Found([{name: record[name] for name in allowed.fields} for record in records], allowed.record)


def write(register: str, values: Mapping[str, Any], *, reader: Reader, key: str) -> dict[str, Any]:
    """Write a record, new or the next version of the one with the same identity, and return what was written.

    Fields that are not given stay as they are (or take their defaults), a missing identifier is given by the register's
    scheme. The same *key* again returns the same record. Raise `BadRecord`, `KeyUsed`, `NotPermitted`. It joins an open
    transaction: record, version and event come with it or not at all.
    """
    return writing.write(register_of(register), values, reader=reader, key=key)


def load(register: str, rows: Iterable[Mapping[str, Any]], progress: Callable[[int], None] = lambda _done: None) -> int:
    """Load the owner's own *rows* in one transaction and return how many; *progress* is told how many are done."""
    return loading.load(register_of(register), rows, progress)


def count(register: str) -> int:
    """Return how many current records *register* holds."""
    return Record.objects.filter(register=register_of(register).id, recorded_until=None).count()


def names() -> Mapping[str, Text]:
    """Return the names of the registers this system holds, by id."""
    return {key: one.name for key, one in held().items()}
