"""Rows read by statements kept ready: putting a query together costs Django several times what the query costs.

Values come in PostgreSQL's binary form, which costs a half of reading them from text; JSON comes parsed.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Generic, TypeVar

import psycopg
from django.db import connection, models, transaction

M = TypeVar("M", bound=models.Model)
Statement = tuple[str, Sequence[object]]
"""SQL with ``%s``, and its values."""


def fetch(statement: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
    """Return all that a SELECT finds; PostgreSQL keeps its plan for the next time."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        return cursor.execute(statement, parameters, prepare=True, binary=True).fetchall()


def run(statement: str, parameters: Sequence[object]) -> None:
    """Run a statement that finds nothing; one alone, outside a transaction, is durable when this returns."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters, prepare=True)


def fetch_each(*statements: Statement) -> list[list[tuple[Any, ...]]]:
    """Run *statements* one after another in a single round trip, and return what each found."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        with connection.connection.pipeline():
            cursors = [
                psycopg.Cursor(connection.connection).execute(statement, parameters, prepare=True, binary=True)
                for statement, parameters in statements
            ]
        return [cursor.fetchall() for cursor in cursors]


@contextmanager
def one_trip() -> Iterator[None]:
    """Send what `run` is given inside to the database in a single round trip, at the end; a fault is raised there."""
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


@contextmanager
def one_moment() -> Iterator[None]:
    """Show everything that is read inside as of one moment, while others go on writing; nothing may be written."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


class Rows(Generic[M]):
    """The rows of *model* that satisfy *where* (SQL with ``%s``, perhaps with ORDER BY), without some large columns.

    Columns left out are fetched when they are used, one row at a time, as Django's ``defer`` does.
    """

    def __init__(self, model: type[M], where: str = "", *, without: Sequence[str] = ()) -> None:
        self.model = model
        self.where = where
        self.without = frozenset(without)

    def all(self, *parameters: object) -> list[M]:
        """Return every row."""
        return self.made(fetch(self._statement, parameters))

    def asked(self, *parameters: object) -> Statement:
        """Return the statement that finds them, for `fetch_each`; `made` takes what it found."""
        return self._statement, parameters

    def made(self, found: Iterable[Sequence[Any]]) -> list[M]:
        """Return the rows that were *found*."""
        return [self.row(values) for values in found]

    def first(self, *parameters: object) -> M | None:
        """Return the first row, or nothing."""
        found = fetch(self._statement, parameters)
        return self.row(found[0]) if found else None

    @cached_property
    def _fields(self) -> list[Any]:
        return [field for field in self.model._meta.concrete_fields if field.attname not in self.without]

    @cached_property
    def _names(self) -> list[str]:
        return [field.attname for field in self._fields]

    @cached_property
    def _converted(self) -> list[int]:
        kinds = [(number, field) for number, field in enumerate(self._fields) if hasattr(field, "from_db_value")]
        return [number for number, field in kinds if not isinstance(field, models.JSONField)]

    @cached_property
    def columns(self) -> list[str]:
        """The columns that are read, with their table."""
        return [f'"{self.model._meta.db_table}"."{field.column}"' for field in self._fields]

    @cached_property
    def _statement(self) -> str:
        return self.statement()

    def statement(self, more: Iterable[str] = ()) -> str:
        """Return the SELECT that finds the rows, with *more* scalar expressions after the columns."""
        columns = ", ".join((*self.columns, *more))
        return f'SELECT {columns} FROM "{self.model._meta.db_table}" WHERE {self.where}'  # noqa: S608 - no value is in it

    def row(self, values: Sequence[Any]) -> M:
        """Return the row that the *values* of the columns make."""
        kept = list(values)
        for number in self._converted:
            kept[number] = self._fields[number].from_db_value(kept[number], None, connection)
        return self.model.from_db("default", self._names, kept)


class Joined:
    """Rows of several models that one statement finds together; *source* is all from FROM on (SQL with ``%s``)."""

    def __init__(self, *parts: Rows[Any], source: str) -> None:
        self.parts = parts
        self.source = source

    def all(self, *parameters: object) -> list[tuple[Any, ...]]:
        """Return a row of each model, or nothing where an outer join found none; one that comes again is the same."""
        last: list[tuple[Any, Any]] = [((), None)] * len(self.parts)
        return [tuple(self._split(values, last)) for values in fetch(self._statement, parameters)]

    @cached_property
    def _statement(self) -> str:
        columns = ", ".join(column for part in self.parts for column in part.columns)
        return f"SELECT {columns} FROM {self.source}"  # noqa: S608 - no value is in it

    def _split(self, values: Sequence[Any], last: list[tuple[Any, Any]]) -> Iterator[Any]:
        start = 0
        for number, part in enumerate(self.parts):
            own = values[start : start + len(part.columns)]
            start += len(own)
            if own != last[number][0]:
                last[number] = own, part.row(own) if any(value is not None for value in own) else None
            yield last[number][1]
