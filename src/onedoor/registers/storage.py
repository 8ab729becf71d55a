"""Stores and finds records: sealed for the persons they are about, found by blind index."""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg.types.json import Jsonb

from onedoor.kernel import nation
from onedoor.kernel.nation import UnknownUnit
from onedoor.registers import history, rules, underway
from onedoor.registers.definition import Register
from onedoor.registers.models import Archived, Record, Term
from onedoor.store import keys, rows, sealed
from onedoor.store.keys import Key
from onedoor.store.rows import Rows, Statement
from onedoor.store.sealed import KeyDestroyed, Place

RAISE = """
INSERT INTO registers_serial (scope, last) VALUES (%s, %s)
ON CONFLICT (scope) DO UPDATE SET last = greatest(registers_serial.last + %s, excluded.last) RETURNING last
"""
FIND = """
SELECT record.id, record.plain, record.sealed, record.schema FROM registers_term term JOIN registers_record record
    ON record.id = term.record_id
WHERE term.value = %s AND record.valid_from <= %s AND record.valid_until > %s AND record.recorded_from <= %s
    AND (record.recorded_until IS NULL OR NOT EXISTS (
        SELECT FROM registers_record later WHERE later.identity = record.identity AND later.version > record.version
            AND later.valid_from <= %s AND later.valid_until > %s AND later.recorded_from <= %s))
ORDER BY record.id
"""
"""One prepared statement with no ORM in between: every read of a register takes this way."""
IN_REACH = FIND.replace(
    "ORDER",
    """AND NOT EXISTS (
    SELECT FROM registers_archived archived WHERE archived.identity = record.identity)
ORDER""",
)
"""The same without what is in the archive, for registers that have one."""
UNDER_KEY = Rows(Record, "register = %s AND client = %s AND key = %s")
VERSIONS = Rows(Record, "identity = %s ORDER BY version")
OF_ID = "SELECT identity FROM registers_record WHERE id = %s AND register = %s AND version = 1"
FIRST = """
SELECT one.id, first.id FROM registers_record one JOIN registers_record first
    ON first.identity = one.identity AND first.version = 1 WHERE one.id = ANY(%s)
"""
COLUMNS = Record._meta.concrete_fields
INSERT = f"""
WITH record AS (INSERT INTO registers_record ({", ".join(f'"{field.column}"' for field in COLUMNS)})
    VALUES ({", ".join("%s" for _ in COLUMNS)}))
INSERT INTO registers_term (record_id, value) SELECT %s, unnest(%s::bytea[])
"""  # noqa: S608 - no value is in it
LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record as it is stored: the plain part, the envelopes, its identity and its blind index."""

    plain: Mapping[str, Any]
    envelopes: list[bytes]
    identity: bytes
    terms: list[bytes]


@dataclass(frozen=True, slots=True)
class Begun:
    """What was written before: the first version under the key of a request, and every version of its record."""

    under_key: Record | None
    versions: list[Record]


def find(
    register: Register,
    key: str,
    by: Mapping[str, str],
    *,
    valid_on: date,
    known_on: datetime | None = None,
    archive: bool = False,
) -> dict[UUID, dict[str, Any]]:
    """Return the records the look-up *key* finds, by their versions, opened in memory only: as they were on *valid_on*.

    With *known_on* they are as they were known then; the answer never changes, so writes under way that may bear such
    a moment are waited for. What is archived is found with *archive* alone.
    """
    value = _blind(register, key, rules.term(register, key, by))
    if known_on:
        underway.await_writes(register, known_on)
    point = (valid_on, valid_on, known_on or LATEST)
    statement = IN_REACH if register.retention and not archive else FIND
    found = rows.fetch(statement, [value, *point, *point])
    return {row: rules.joined(register, plain, _fragments(row, parts), schema) for row, plain, parts, schema in found}


def with_id(register: Register, name: UUID, *, valid_on: date, archive: bool = False) -> dict[UUID, dict[str, Any]]:
    """Return the record whose first version is *name*, by the version that holds on *valid_on*; or nothing.

    What is archived is found with *archive* alone.
    """
    identity = identity_with(register, name)
    row = holding(VERSIONS.all(identity), valid_on) if identity else None
    if row is None or (not archive and in_archive(register, row)):
        return {}
    return {row.id: opened(register, row)}


def identity_with(register: Register, name: UUID) -> bytes | None:
    """Return the identity of the record whose first version is *name*."""
    found = rows.fetch(OF_ID, [name, register.id])
    return bytes(found[0][0]) if found else None


def persons_of(register: Register, name: UUID, version: int) -> list[str]:
    """Return whom a *version* of the record *name* is about, where it ended the one before; it is read for nobody."""
    identity = identity_with(register, name)
    said = [one for one in VERSIONS.all(identity) if one.version <= version and not one.ends] if identity else []
    return rules.persons(register, opened(register, said[-1])) if said else []


def holding(versions: Sequence[Record], day: date) -> Record | None:
    """Return which of the *versions* of a record holds on *day*, if there is such a record then."""
    dated = [history.Version(one.version, one.valid_from, one.valid_until) for one in versions]
    holds = next((span.holds for span in history.timeline(dated) if span.valid_from <= day < span.valid_until), None)
    return next((one for one in versions if one.version == holds and not one.ends), None)


def until(row: Record) -> date:
    """Return the day on which what *row* speaks of ends: its own, or that of a later version which ends the record."""
    ends = Record.objects.filter(identity=row.identity, version__gt=row.version, plain={}, sealed=[])
    return min([row.valid_until, *ends.values_list("valid_from", flat=True)])


def first_ids(versions: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return by the ids of *versions* those of their records: the ids of the first versions."""
    return dict(rows.fetch(FIRST, [list(versions)])) if versions else {}


def id_of(identity: bytes) -> UUID:
    """Return the id of the record with this identity, which exists."""
    return Record.objects.values_list("id", flat=True).get(identity=identity, version=1)


def written(register: Register, client: str, key: str) -> bool:
    """Return whether *client* has written something under *key*."""
    return Record.objects.filter(register=register.id, client=client, key=key).exists()


def opened(register: Register, row: Record) -> dict[str, Any]:
    """Return the record in *row*; what a destroyed key sealed stays closed and is null."""
    return rules.joined(register, row.plain, _fragments(row.id, row.sealed), row.schema)


def _fragments(row: UUID, envelopes: Iterable[bytes | memoryview]) -> Iterable[Mapping[str, Any]]:
    place = _place(row)
    for envelope in envelopes:
        try:
            yield sealed.unseal(bytes(envelope), place=place)
        except KeyDestroyed:
            continue


def close(register: Register, record: Mapping[str, Any], row: UUID, known: Mapping[str, Key] | None = None) -> Sealed:
    """Return *record* sealed for the version *row*, with everything by which it is to be found.

    *known* are the keys of its persons, when they were asked for together with those of others.
    """
    plain, fragments = rules.divided(register, record)
    place = _place(row)
    known = known or keys.keys_for(rules.persons(register, record))
    return Sealed(
        plain,
        [sealed.seal_under(known[person], fragment, place=place) for person, fragment in fragments.items()],
        identity_of(register, record),
        terms_of(register, record),
    )


def terms_of(register: Register, record: Mapping[str, Any]) -> list[bytes]:
    """Return the blind index of everything by which *record* is to be found."""
    return list({_blind(register, key, term) for key, term in rules.terms(register, record)})


def begin(register: Register, client: str, key: str, identity: bytes | None) -> Begun:
    """Announce a write and return what was written before under its key and of its record, both locked till its end.

    All of it is one round trip. The moment of the write is taken after it, never before.
    """
    asked = [underway.announced(register)]
    if key:
        asked += [_alone(f"{register.id}\n{client}\n{key}"), UNDER_KEY.asked(register.id, client, key)]
    if identity:
        asked += [_alone(identity.hex()), VERSIONS.asked(identity)]
    found = rows.fetch_each(*asked)
    under_key = UNDER_KEY.made(found[2]) if key else []
    return Begun(under_key[0] if under_key else None, VERSIONS.made(found[-1]) if identity else [])


def _alone(thing: str) -> Statement:
    """Let the current transaction alone handle *thing* until it ends."""
    return "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [thing]


def supersede(row: Record, moment: datetime) -> None:
    """Say from which *moment* on *row* is no longer the latest version."""
    rows.run("UPDATE registers_record SET recorded_until = %s WHERE id = %s", [moment, row.id])


def insert(row: Record, closed: Sealed) -> None:
    """Insert the new version *row* with its blind index."""
    values = {field.column: getattr(row, field.attname) for field in COLUMNS}
    values |= {"plain": Jsonb(dict(closed.plain)), "sealed": closed.envelopes, "identity": closed.identity}
    rows.run(INSERT, [*values.values(), row.id, closed.terms])


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


def versions(register: Register, key: str, by: Mapping[str, str], *, archive: bool = False) -> list[Record]:
    """Return every version of the records any version of which the look-up *key* finds, the oldest first.

    What is archived is found with *archive* alone.
    """
    value = _blind(register, key, rules.term(register, key, by))
    identities = Term.objects.filter(value=value).values("record__identity")
    found = Record.objects.filter(identity__in=identities).order_by("identity", "version")
    if register.retention and not archive:
        found = found.exclude(identity__in=Archived.objects.values("identity"))
    return list(found)


def in_archive(register: Register, row: Record) -> bool:
    """Return whether the record of the version *row* is in the archive, or destroyed."""
    return bool(register.retention) and Archived.objects.filter(identity=row.identity).exists()


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


def holds(identity: bytes) -> bool:
    """Return whether there is a record with this identity today."""
    return holding(VERSIONS.all(identity), nation.current().today()) is not None
