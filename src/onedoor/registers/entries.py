"""Records by their ids: found, created, changed and ended as a whole, as the GovStack interface asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from onedoor.kernel.said import said
from onedoor.privacy.service import WRITE, check
from onedoor.registers import rules, service, storage, writing
from onedoor.registers.definition import Register, to_read, to_write
from onedoor.registers.errors import BadQuestion, BadRecord, NoSuchRecord, SeveralRecords
from onedoor.registers.service import Reader

ID = "id"
By = Mapping[str, str]
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which register, in which version, who asks, and the key of what is to be done once."""

    register: str
    version: int
    reader: Reader
    key: str = ""


def find(wish: Wish, by: By, wanted: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the records that a declared look-up finds, or the one with an ``id``, each with its id, by their ids.

    They passed the gate. Raise what `service.lookup` raises.
    """
    named: dict[str, Any] = {"reader": wish.reader, "wanted": wanted, "version": wish.version}
    if set(by) == {ID}:
        found = service.with_id(wish.register, record_id(by[ID]), **named)
    else:
        found = service.lookup(wish.register, by, **named)
    ids = storage.first_ids(found.versions)
    records = zip(found.versions, found.records, strict=True)
    return sorted(({ID: str(ids[row]), **record} for row, record in records), key=lambda record: record[ID])


def one(wish: Wish, by: By, wanted: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the one record that is found; raise `NoSuchRecord` or `SeveralRecords`."""
    found = find(wish, by, wanted)
    if not found:
        raise NoSuchRecord(register=wish.register)
    if len(found) > 1:
        raise SeveralRecords(register=wish.register)
    return found[0]


def exists(wish: Wish, by: By) -> bool:
    """Return whether a record is found; it is a read of the fields that are asked by."""
    register = to_read(wish.register, wish.version)
    if set(by) == {ID}:
        return bool(find(wish, by, own_fields(register)))
    paths = [path for parameter in register.lookups[register.lookup_of(by)].values() for path in parameter.paths]
    return bool(find(wish, by, list(dict.fromkeys(path.partition(".")[0] for path in paths))))


def create(wish: Wish, values: Values) -> dict[str, Any]:
    """Write a new record, once for its key, and return what was written with its id; raise `RecordExists`."""
    register = to_write(wish.register, wish.version)
    return _with_id(register, writing.write(register, writing.Request(values, wish.reader, wish.key, new=True)))


def update(wish: Wish, by: By | None, values: Values, *, many: bool = False) -> None:
    """Write the next version of the record that *by* finds, or that *values* name; of all with *many*, or of none.

    Raise `NoSuchRecord`, `SeveralRecords`, or what `service.write` raises.
    """
    register = to_write(wish.register, wish.version)
    if by is None:
        _write(register, wish, _known(register, wish, values))
        return
    wanted = own_fields(register)
    found = find(wish, by, wanted) if many else [one(wish, by, wanted)]
    if not found:
        raise NoSuchRecord(register=wish.register)
    changes = [(record[ID], _change(register, wish, record, values)) for record in found]
    with transaction.atomic():
        for name, change in changes:
            _write(register, wish, change, name)


def update_or_create(wish: Wish, by: By | None, values: Values) -> dict[str, Any]:
    """Write the next version of the record that *by* finds, or a new record, and return it with its id.

    What the same key created before is created again, which changes nothing, and not updated.
    """
    register = to_write(wish.register, wish.version)
    found = [] if by is None or storage.written(register, wish.reader.client, wish.key) else find(wish, by)
    if len(found) > 1:
        raise SeveralRecords(register=wish.register)
    if found:
        return _with_id(register, _write(register, wish, _change(register, wish, found[0], values), found[0][ID]))
    return _with_id(register, _write(register, wish, values))


def end(wish: Wish, name: str) -> None:
    """Have the record with the id *name* hold no more from today on, once for the key; raise `NoSuchRecord`.

    It takes the right to write every field of the register. Nothing is destroyed: earlier days and what was known stay.
    """
    register = to_write(wish.register, wish.version)
    writing.end(register, record_id(name), writing.Request({ID: name}, wish.reader, wish.key))


def record_id(text: str) -> UUID:
    """Return the id of a record; raise `BadQuestion`."""
    try:
        return UUID(text)
    except ValueError as error:
        raise BadQuestion(what=said("an id is 32 hexadecimal digits in five groups, as an answer gave it")) from error


def own_fields(register: Register) -> list[str]:
    """Return the fields in which the identity of a record stands."""
    return list(dict.fromkeys(path.partition(".")[0] for path in register.identity))


def _known(register: Register, wish: Wish, values: Values) -> Values:
    """Return *values* when they name a record that holds today; raise `NoSuchRecord`."""
    check(wish.reader, register=register.id, persons=[], wanted=list(values), operation=WRITE)
    if rules.identity(register, values) is None:
        what = said("without “query” the values must name the record by {names}", names=", ".join(register.identity))
        raise BadQuestion(what=what)
    with writing.told_when_turned_away(register, writing.Request(values, wish.reader, wish.key)):
        if not storage.holds(storage.identity_of(register, values)):
            raise NoSuchRecord(register=register.id)
    return values


def _change(register: Register, wish: Wish, record: Values, values: Values) -> Values:
    """Return *values* with the identity of *record*, which they may repeat and not change."""
    own = own_fields(register)
    if closed := [name for name in own if name not in record]:
        check(wish.reader, register=register.id, persons=[], wanted=closed)
    if moved := [name for name in own if name in values and values[name] != record[name]]:
        what = said("{names} says which record it is and cannot change", names=", ".join(moved))
        raise BadRecord(register=register.id, what=what)
    return {**{name: record[name] for name in own}, **values}


def _write(register: Register, wish: Wish, values: Values, name: str = "") -> dict[str, Any]:
    key = f"{wish.key}:{name}" if name else wish.key
    return writing.write(register, writing.Request(values, wish.reader, key))


def _with_id(register: Register, written: Values) -> dict[str, Any]:
    return {ID: str(storage.id_of(storage.identity_of(register, written))), **written}
