"""Copies checked records into a register: sealed, then by COPY, one batch while the next one is being sealed."""

import json
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection
from psycopg import sql

from onedoor.kernel import clock
from onedoor.kernel.ids import uuid7
from onedoor.kernel.settings import current
from onedoor.registers import rules, storage
from onedoor.registers.definition import Register
from onedoor.registers.history import ALWAYS, FOREVER
from onedoor.registers.storage import Sealed
from onedoor.store import keys

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


class Copying(AbstractContextManager["Copying"]):
    """Takes batches of records of one register inside a transaction; all of them are there when it is left.

    The database works on a batch while this process seals the next: `wait` before any other use of the connection.
    """

    def __init__(self, register: Register) -> None:
        self.register = register
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else all terms ask for their records at the end
        self._aside = ThreadPoolExecutor(1)
        self._under_way: Future[None] | None = None

    def copy(self, records: list[dict[str, Any]]) -> None:
        """Store checked *records* as first versions: keys first, then envelopes and blind index."""
        register = self.register
        known = keys.keys_for({person for record in records for person in rules.persons(register, record)})
        closed = [(row := uuid7(), storage.close(register, record, row, known)) for record in records]
        said = {
            "register": register.id,
            "schema": str(register.version),
            "client": current().subsystem,
            "recorded_from": clock.now().isoformat(),
        }
        end = "\t" + "\t".join(map(_text, (*FIXED.values(), *said.values()))) + "\n"
        lines, terms = _lines(closed, end)
        self.wait()
        columns = (*OWN, *FIXED, *said)
        self._under_way = self._aside.submit(_copy, connection.connection, columns, lines, terms)

    def wait(self) -> None:
        """Return when the database has what it was given; raise what was wrong with it."""
        under_way, self._under_way = self._under_way, None
        if under_way:
            with connection.wrap_database_errors:
                under_way.result()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.wait()
        finally:
            self._aside.shutdown()


def _copy(database: "psycopg.Connection[Any]", columns: Iterable[str], lines: str, terms: str) -> None:
    for table, names, content in (
        ("registers_record", columns, lines),
        ("registers_term", ("value", "record_id"), terms),
    ):
        listed = sql.SQL(", ").join(map(sql.Identifier, names))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), listed)
        with psycopg.Cursor(database) as cursor, cursor.copy(statement) as copying:
            copying.write(content)


def _lines(closed: Iterable[tuple[UUID, Sealed]], end: str) -> tuple[str, str]:
    """Return the records, each with the same *end*, and their terms, as COPY reads them.

    A backslash stands for what follows it; in an array, once more.
    """
    lines: list[str] = []
    terms: list[str] = []
    for row, one in closed:
        envelopes = ",".join(["\\\\\\\\x" + envelope.hex() for envelope in one.envelopes])
        plain = _text(json.dumps(one.plain)) if one.plain else "{}"
        name = row.hex
        lines.append(f"{name}\t\\\\x{one.identity.hex()}\t{plain}\t{{{envelopes}}}{end}")
        terms += [f"\\\\x{value.hex()}\t{name}\n" for value in one.terms]
    return "".join(lines), "".join(terms)


def _text(value: str) -> str:
    """Return *value* as COPY reads it."""
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
