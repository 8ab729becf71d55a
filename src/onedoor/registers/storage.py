"""Stores and finds records: sealed for the persons they are about, found by blind index."""

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from onedoor.kernel import nation
from onedoor.kernel.nation import UnknownUnit
from onedoor.registers import rules
from onedoor.registers.definition import Register
from onedoor.registers.models import Record, Term
from onedoor.store import keys, rows, sealed
from onedoor.store.sealed import KeyDestroyed, Place

RAISE = """
INSERT INTO registers_serial (scope, last) VALUES (%s, %s)
ON CONFLICT (scope) DO UPDATE SET last = greatest(registers_serial.last + %s, excluded.last) RETURNING last
"""
FIND = """
SELECT record.id, record.plain, record.sealed FROM registers_term term JOIN registers_record record
    ON record.id = term.record_id
WHERE term.value = %s AND record.valid_from <= %s AND record.valid_until > %s AND record.recorded_from <= %s
    AND (record.recorded_until IS NULL OR NOT EXISTS (
        SELECT FROM registers_record later WHERE later.identity = record.identity AND later.version > record.version
            AND later.valid_from <= %s AND later.valid_until > %s AND later.recorded_from <= %s))
ORDER BY record.id
"""
"""One prepared statement with no ORM in between: every read of a register takes this way."""
LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record as it is stored: the plain part, the envelopes, its identity and its blind index."""

    plain: Mapping[str, Any]
    envelopes: list[bytes]
    identity: bytes
    terms: list[bytes]


def find(
    register: Register, key: str, by: Mapping[str, str], *, valid_on: date, known_on: datetime | None = None
) -> list[dict[str, Any]]:
    """Return the records the look-up *key* finds, opened, in memory only: as they were on *valid_on*.

    With *known_on* they are as they were known then; the answer never changes, so writes under way are waited for.
    """
    value = _blind(register, key, rules.term(register, key, by))
    if known_on:
        _await_writes(register)
    point = (valid_on, valid_on, known_on or LATEST)
    found = rows.fetch(FIND, [value, *point, *point])
    return [opened(register, Record(id=row, plain=plain, sealed=parts)) for row, plain, parts in found]


def opened(register: Register, row: Record) -> dict[str, Any]:
    """Return the record in *row*; what a destroyed key sealed stays closed and is null."""
    return rules.joined(register, row.plain, _fragments(row))


def _fragments(row: Record) -> Iterable[Mapping[str, Any]]:
    place = _place(row.id)
    for envelope in row.sealed:
        try:
            yield sealed.unseal(bytes(envelope), place=place)
        except KeyDestroyed:
            continue


def close(register: Register, record: Mapping[str, Any], row: UUID) -> Sealed:
    """Return *record* sealed for the version *row*, with everything by which it is to be found."""
    plain, fragments = rules.divided(register, record)
    place = _place(row)
    return Sealed(
        plain,
        [sealed.seal(fragment, subject=person, place=place) for person, fragment in fragments.items()],
        identity_of(register, record),
        [_blind(register, key, term) for key, term in rules.terms(register, record)],
    )


def insert(row: Record, closed: Sealed) -> None:
    """Insert the new version *row* with its blind index."""
    row.save(force_insert=True)
    Term.objects.bulk_create(Term(value=value, record=row) for value in set(closed.terms))


def identity_of(register: Register, record: Mapping[str, Any]) -> bytes:
    """Return the blind index of what makes the record one and the same; its identity must be complete."""
    return _blind(register, "", rules.identity(register, record) or "")


def request_mark(register: Register, values: Mapping[str, Any]) -> bytes:
    """Return a keyed hash of what a request asked to be written."""
    return _blind(register, "request", json.dumps(values, ensure_ascii=False, sort_keys=True))


def _blind(register: Register, key: str, value: str) -> bytes:
    return keys.blind(f"registers.{register.id}.{key}", value)


def _place(row: UUID) -> Place:
    return Place("registers_record", "sealed", str(row))


def versions(register: Register, key: str, by: Mapping[str, str]) -> list[Record]:
    """Return every version of the records any version of which the look-up *key* finds, the oldest first."""
    value = _blind(register, key, rules.term(register, key, by))
    identities = Term.objects.filter(value=value).values("record__identity")
    return list(Record.objects.filter(identity__in=identities).order_by("identity", "version"))


def hold_open(register: Register) -> None:
    """Announce a write of *register* until the transaction ends; before its moment is taken, never after."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 1))", [register.id])


def _await_writes(register: Register) -> None:
    """Wait until every write of *register* that has taken its moment has come to its end."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [register.id])


class StoredDraw:
    """Draws serial numbers from the database and chance from the system."""

    def province_of(self, code: str) -> str:
        """Return the code of the province in which the unit *code* lies today."""
        return province_of(code)

    def serial(self, scope: str) -> int:
        """Return the next number of *scope*; it is used up even when another part fails, but not on a rollback."""
        with connection.cursor() as cursor:
            cursor.execute(RAISE, [scope, 1, 1])
            return int(cursor.fetchone()[0])

    def digits(self, count: int) -> str:
        """Return *count* random digits from the system's source."""
        return f"{secrets.randbelow(10**count):0{count}d}"


def raise_serial(scope: str, last: int) -> None:
    """Have the next number of *scope* come after *last*."""
    with connection.cursor() as cursor:
        cursor.execute(RAISE, [scope, last, 0])


def province_of(code: str) -> str:
    """Return the code of the province of the unit *code* today; a province is its own; ValueError when unknown."""
    country = nation.current()
    try:
        unit = country.units.unit(code, country.today())
    except UnknownUnit as error:
        raise ValueError("its unit is not known") from error
    return unit.parent or unit.code


def identity_taken(identity: bytes) -> bool:
    """Return whether a record with this identity exists."""
    return Record.objects.filter(identity=identity).exists()
