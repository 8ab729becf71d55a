"""Rows read by statements kept ready: putting a query together costs Django several times what the query costs.

Values come in PostgreSQL's binary form, which costs a half of reading them from text; JSON comes parsed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, models, transaction
from django.db.models.base import ModelState

M = TypeVar("M", bound=models.Model)
View = TypeVar("View", bound=Callable[..., Any])
Statement = tuple[str, Sequence[object]]
"""SQL with ``%s``, and its values."""
Found = list[tuple[Any, ...]]
_ahead: ContextVar[list[tuple[Statement, Found]] | None] = ContextVar("ahead", default=None)
"""What was found ahead in this request and not asked for yet."""


def first_asked(of: Callable[..., Statement | None]) -> Callable[[View], View]:
    """Have what a view asks the database first found with who acts, in one round trip.

    *of* takes the parts of the view's address and returns just the statement the view begins with, whoever acts.
    """

    def mark(view: View) -> View:
        view.first_asked = of  # type: ignore[attr-defined]
        return view

    return mark


@contextmanager
def apart() -> Iterator[None]:
    """Let nothing that is found ahead inside be taken outside: it was so for one request."""
    token = _ahead.set([])
    try:
        yield
    finally:
        _ahead.reset(token)


def fetch_first(statement: Statement, width: int, ahead: Statement | None) -> Found:
    """Return the one row of *width* columns that *statement* finds, or none.

    What *ahead* finds comes with it, for the next who asks just that; its first column is never null.
    """
    kept = _ahead.get()
    if kept is None or ahead is None:
        return fetch(*statement)
    first, found = fetch_both(statement, width, ahead)
    if first:
        kept.append((ahead, found))
    return first


def fetch_both(statement: Statement, width: int, more: Statement) -> tuple[Found, Found]:
    """Return the one row of *width* columns that *statement* finds, or none, and then what *more* finds.

    It is one statement for both, which costs less than two in a pipeline. The first column of *more* is never null.
    """
    found = fetch(_together(statement[0], more[0]), (*statement[1], *more[1]))
    return [row[:width] for row in found[:1]], [row[width:] for row in found if row[width] is not None]


@lru_cache
def _together(first: str, more: str) -> str:
    """Return one statement for both: one row stands in front of all the others, which keep their order."""
    return f"SELECT * FROM ({first}) AS first LEFT JOIN ({more}) AS more ON TRUE"  # noqa: S608 - no value is in it


def _taken(statement: Statement) -> Found | None:
    """Return what was found ahead for just this *statement*, once."""
    kept = _ahead.get() or []
    for number, (asked, found) in enumerate(kept):
        if asked == statement:
            del kept[number]
            return found
    return None


def fetch(statement: str, parameters: Sequence[object]) -> Found:
    """Return all that a SELECT finds; PostgreSQL keeps its plan for the next time."""
    if (found := _taken((statement, parameters))) is not None:
        return found
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        return cursor.execute(statement, parameters, prepare=True, binary=True).fetchall()


def run(statement: str, parameters: Sequence[object]) -> None:
    """Run a statement that finds nothing; one alone, outside a transaction, is durable when this returns."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters, prepare=True)


def fetch_each(*statements: Statement) -> list[Found]:
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

    Columns left out are fetched when they are used, one row at a time, as Django's ``defer`` does. Those given *once*
    a `Joined` brings with its first row alone.
    """

    def __init__(
        self, model: type[M], where: str = "", *, without: Sequence[str] = (), once: Sequence[str] = ()
    ) -> None:
        self.model = model
        self.where = where
        self.without = frozenset(without)
        self.once = frozenset(once)

    def all(self, *parameters: object) -> list[M]:
        """Return every row."""
        return self.made(fetch(*self.asked(*parameters)))

    def asked(self, *parameters: object) -> Statement:
        """Return the statement that finds them, for `fetch_each`; `made` takes what it found."""
        return self._statement, parameters

    def made(self, found: Iterable[Sequence[Any]]) -> list[M]:
        """Return the rows that were *found*."""
        return [self.row(values) for values in found]

    def first(self, *parameters: object) -> M | None:
        """Return the first row, or nothing."""
        found = fetch(*self.asked(*parameters))
        return self.row(found[0]) if found else None

    @cached_property
    def _fields(self) -> list[Any]:
        return [field for field in self.model._meta.concrete_fields if field.attname not in self.without]

    @cached_property
    def names(self) -> list[str]:
        """The names of the fields that are read."""
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
        return self._made(kept)

    def _made(self, values: Sequence[Any]) -> M:
        """Return the row as `Model.from_db` would; no field is gone over again, and nobody listens to signals of it."""
        made = self.model.__new__(self.model)
        made._state = ModelState()
        made._state.adding, made._state.db = False, DEFAULT_DB_ALIAS
        made.__dict__.update(zip(self.names, values, strict=True))
        return made


class Joined:
    """Rows of several models that one statement finds together; *source* is all from FROM on (SQL with ``%s``).

    Where it stops before ORDER BY, *order* goes on with that. The key of a model is its first column.
    """

    def __init__(self, *parts: Rows[Any], source: str, order: str = "") -> None:
        self.parts = parts
        self.source = source
        self.order = order

    def all(self, *parameters: object) -> list[tuple[Any, ...]]:
        """Return a row of each model, or nothing where an outer join found none; one that comes again is the same."""
        last: list[tuple[Any, Any]] = [(None, None)] * len(self.parts)
        return [tuple(self._split(values, last)) for values in fetch(*self.asked(*parameters))]

    def asked(self, *parameters: object) -> Statement:
        """Return the statement that finds them."""
        return self._statement, parameters

    @cached_property
    def _statement(self) -> str:
        columns = ", ".join(self._columns())
        order = f" ORDER BY {self.order}" if self.order else ""
        return f"SELECT {columns} FROM {self.source}{order}"  # noqa: S608 - no value is in it

    def _columns(self) -> Iterator[str]:
        for part in self.parts:
            for name, column in zip(part.names, part.columns, strict=True):
                first = f"CASE WHEN row_number() OVER (ORDER BY {self.order}) = 1 THEN {column} END"
                yield first if name in part.once else column

    def _split(self, values: Sequence[Any], last: list[tuple[Any, Any]]) -> Iterator[Any]:
        start = 0
        for number, part in enumerate(self.parts):
            key = values[start]
            end = start + len(part.columns)
            if key != last[number][0]:
                last[number] = key, None if key is None else part.row(values[start:end])
            start = end
            yield last[number][1]
