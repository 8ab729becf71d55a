"""Writes the record of each use of the gate, with its ledger entry, in one statement."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from typing import Any

import msgspec
from django.db import connection, connections

from onedoor.kernel import clock
from onedoor.kernel.ids import uuid7_text
from onedoor.privacy.claims import FORM, Details, Fields
from onedoor.privacy.rules import LONGEST, READ, Reader
from onedoor.store import keys, ledger, rows, sealed
from onedoor.store.beside import Beside
from onedoor.store.grouping import GroupCommit
from onedoor.store.keys import Key
from onedoor.store.sealed import Place

BLIND = "privacy.person"
LEDGER_KIND = "privacy.read"
LOOKS = "own-reads"
"""The service by which a person's portal asks for these records; a purpose of the nation's rights grants it."""
SALT_BYTES = 32
LONGEST_FIELD, MOST = 60, 100
"""Signs of a field's name and how many fields or persons the record of a refusal holds."""
RECORD = """id, moment, client, "user", purpose, basis, "case", register, operation, fields, refused, salt, entry, form,
    hidden_until"""
INSERT = f"""
WITH told AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s) AS told (entry uuid, kind text, commitment bytea, made_at timestamptz,
        id uuid, moment timestamptz, client text, "user" text, purpose text, basis text, "case" text, register text,
        operation text, fields varchar[], refused text, salt bytea, form smallint, hidden_until date, looked_by text,
        persons json)
), entry AS (
    {ledger.INTO} SELECT entry, kind, commitment, made_at FROM told
), record AS (
    INSERT INTO privacy_readrecord ({RECORD}) SELECT {RECORD} FROM told
)
INSERT INTO privacy_readperson (record_id, person, looked_by, sealed, fields)
SELECT told.id, about.person, looked_by, about.sealed, about.fields
FROM told, json_to_recordset(persons) AS about (person bytea, sealed bytea, fields varchar[])
"""  # noqa: S608 - no value is in it
"""One statement for records, their persons and ledger entries: the gate stands in front of every read.

Alone it is a transaction of its own, durable when it returns; inside another it comes with that one or not at all.
"""
ALONE = f"""
WITH entry AS (
    {ledger.INTO} VALUES ($13, $16, $17, $2)
), record AS (
    INSERT INTO privacy_readrecord ({RECORD})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::varchar[], $11, $12, $13, $14, $15)
)
INSERT INTO privacy_readperson (record_id, person, looked_by, sealed, fields)
SELECT $1, person, $18, sealed, fields
FROM json_to_recordset($19) AS about (person bytea, sealed bytea, fields varchar[])
"""  # noqa: S608 - no value is in it
"""The same for one record, of `_values`: the server takes a tenth less for it, and every read waits for that."""
BEFORE_FIELDS = ("id", "moment", "client", "user", "purpose", "basis", "case", "register", "operation")
Row = Mapping[str, Any]
"""What `INSERT` takes of one record, as JSON has it."""
_encoded = msgspec.json.Encoder().encode


About = Sequence[str] | Mapping[str, Fields]
"""The personal numbers of those a use is about; each perhaps with the fields that are their own."""
Marked = Sequence[str | bytes]
"""Personal numbers, or the blind indexes of those of whom nothing else is kept."""


def allowed(
    reader: Reader,
    register: str,
    operation: str,
    fields: Sequence[str],
    persons: About | Marked,
    *,
    hidden_until: date | None = None,
) -> str:
    """Record an allowed use and return the record's id: a read at once and for good, a write with its transaction."""
    if operation == READ:
        _outside_transactions()
    return _write(reader, register, operation, fields, "", _about(persons, fields), hidden_until)


def allowed_each(reads: Iterable[tuple[Reader, str, Sequence[str], About, date | None]]) -> list[str]:
    """As `allowed` for several reads, each (reader, what, fields, persons, hidden until): all of them or none."""
    _outside_transactions()
    found = [
        row_of(who, what, READ, fields, "", _about(about, fields), until) for who, what, fields, about, until in reads
    ]
    keep(*found)
    return [str(row["id"]) for row in found]


@contextmanager
def allowing(
    reader: Reader, register: str, fields: Sequence[str], persons: About, *, hidden_until: date | None = None
) -> Iterator[str]:
    """As `allowed` for a read whose persons are known before it: recorded for good at the end of the block."""
    _outside_transactions()
    with keys.at_hand():
        row = row_of(reader, register, READ, fields, "", _about(persons, fields), hidden_until)
        with keeping(row):
            yield str(row["id"])


def _outside_transactions() -> None:
    if _stands_in_a_transaction():
        raise RuntimeError("The record of a read must be durable first: no read inside an open transaction.")


def _about(persons: About | Marked, fields: Sequence[str]) -> dict[str | bytes, Fields]:
    """Return for each person those of *fields* that are their own."""
    if not isinstance(persons, Mapping):
        return dict.fromkeys(persons)
    return {number: own if own is None else [name for name in fields if name in own] for number, own in persons.items()}


def refused(
    reader: Reader,
    register: str,
    operation: str,
    fields: Sequence[str],
    reason: str,
    persons: Iterable[str],
    hidden_until: date | None = None,
) -> str:
    """Record a refusal for good, also when the transaction around it will be rolled back by it.

    Whatever was asked for fits into the record: nobody escapes it by asking for what cannot be stored.
    """
    reader = Reader(**{name: _plain(getattr(reader, name), most) for name, most in LONGEST.items()})
    fields = [_plain(name, LONGEST_FIELD) for name in fields[:MOST]]
    numbers: dict[str | bytes, Fields] = dict.fromkeys(_plain(number, LONGEST_FIELD) for number in list(persons)[:MOST])
    said = (reader, register, operation, fields, reason, numbers, hidden_until)
    if _stands_in_a_transaction():
        with ThreadPoolExecutor(1) as beside:
            return beside.submit(_write_beside, *said).result()
    return _write(*said)


def _plain(text: str, most: int) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text[:most])


def _write_beside(*said: Any) -> str:  # noqa: ANN401 - as `_write` takes them
    """Record on this thread's own connection, and close it."""
    try:
        return _write(*said)
    finally:
        connections.close_all()


def _stands_in_a_transaction() -> bool:
    blocks = connection.atomic_blocks
    return bool(blocks) and not getattr(blocks[-1], "_from_testcase", False)


def _write(*said: Any) -> str:  # noqa: ANN401 - as `row_of` takes them
    row = row_of(*said)
    keep(row)
    return str(row["id"])


def row_of(
    reader: Reader,
    register: str,
    operation: str,
    fields: Sequence[str],
    reason: str,
    persons: Mapping[str | bytes, Fields],
    hidden_until: date | None = None,
) -> Row:
    """Return the record of a use as `keep` takes it; *persons* by number or blind index, each with their own fields."""
    own: dict[bytes, Fields] = {}
    numbers: dict[bytes, str] = {}
    for one, share in persons.items():
        if one:
            blind, number = (one, "") if isinstance(one, bytes) else (keys.blind(BLIND, one), one)
            own[blind], numbers[blind] = share, number
    record, moment, salt = uuid7_text(), clock.now().isoformat(), secrets.token_bytes(SALT_BYTES)
    until = hidden_until.isoformat() if hidden_until else ""
    known = (keys.live_for if operation == READ or reason else keys.keys_for)(filter(None, numbers.values()))
    kept = frozenset(blind for blind, number in numbers.items() if number in known)
    said = (reader, register, operation, fields, reason, own, until, salt)
    commitment = sha256(Details(record, moment, *said, kept=kept).content()).digest()
    seals = _envelopes(record, numbers, known)
    return {
        "entry": uuid7_text(), "kind": LEDGER_KIND, "commitment": _hex(commitment), "made_at": moment,
        "id": record, "moment": moment, "client": reader.client, "user": reader.user,
        "purpose": reader.purpose, "basis": reader.basis, "case": reader.case, "register": register,
        "operation": operation, "fields": fields, "refused": reason, "salt": _hex(salt), "form": FORM,
        "hidden_until": until or None, "looked_by": looker(reader.user, register, reason),
        "persons": [
            {"person": _hex(person), "sealed": _hex(seal), "fields": None if share is None else list(share)}
            for (person, share), seal in zip(own.items(), seals, strict=True)
        ],
    }  # fmt: skip


def keep(*rows: Row) -> None:
    """Return when *rows* are durable, one together with what others record meanwhile; in a transaction with that."""
    told = [_encoded(row) for row in rows]
    if len(told) != 1 or connection.in_atomic_block:
        _insert(told)
    else:
        _GROUP.keep(told[0])


@contextmanager
def keeping(row: Row) -> Iterator[None]:
    """As `keep`, at the end of the block; where nothing else is on its way, *row* is kept while the block runs."""
    sent = None if connection.in_atomic_block else _BESIDE.send(*_values(row))
    try:
        yield
    finally:
        if sent:
            sent()
    if not sent:
        keep(row)


def _insert(told: Sequence[bytes]) -> None:
    rows.run(INSERT, [_listed(told).decode()])


def _listed(told: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(told) + b"]"


def _values(row: Row) -> list[bytes | None]:
    """Return what `ALONE` takes of *row*."""
    until = row["hidden_until"]
    return [
        *(row[name].encode() for name in BEFORE_FIELDS),
        _array(row["fields"]),
        *(row[name].encode() for name in ("refused", "salt", "entry")),
        b"%d" % row["form"],
        until and until.encode(),
        *(row[name].encode() for name in ("kind", "commitment", "looked_by")),
        _encoded(row["persons"]),
    ]


def _array(texts: Sequence[str]) -> bytes:
    """Return *texts* as PostgreSQL writes an array of them."""
    return b"{%s}" % b",".join([b'"%s"' % one.encode().replace(b"\\", rb"\\").replace(b'"', rb"\"") for one in texts])


_GROUP = GroupCommit(_insert)
_BESIDE = Beside(ALONE)


def _hex(value: bytes) -> str:
    return f"\\x{value.hex()}"


def looker(user: str, register: str, refused: str) -> str:
    """Return the account that looked at these records, where that is what is recorded."""
    return user if register == LOOKS and not refused else ""


def place_of(record: str, person: bytes) -> Place:
    """Return where the number of *person* (a blind index) stands, sealed, with the record of this id."""
    return Place("privacy_readperson", "sealed", f"{record}.{person.hex()}")


def _envelopes(record: str, numbers: Mapping[bytes, str], known: Mapping[str, Key]) -> list[bytes]:
    """Return every person's number sealed under that person's key, in order; nothing for whom there is no key."""
    places = (place_of(record, blind) for blind in numbers)
    return [
        sealed.seal_under(known[number], number, place=place) if number in known else b""
        for number, place in zip(numbers.values(), places, strict=True)
    ]
