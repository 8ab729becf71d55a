"""Rows read by statements kept ready: putting a query together costs Django several times what the query costs.

Values come in PostgreSQL's binary form, which costs a half of reading them from text; JSON comes parsed.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

import psycopg
from django.db import connection, models

M = TypeVar("M", bound=models.Model)


def fetch(statement: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
    """Return all that a SELECT finds; PostgreSQL keeps its plan for the next time."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        return cursor.execute(statement, parameters, prepare=True, binary=True).fetchall()


class Rows(Generic[M]):
    """The rows of *model* that satisfy *where* (SQL with ``%s``, perhaps with ORDER BY), without some large columns.

    Columns left out are fetched when they are used, one row at a time, as Django's ``defer`` does.
    """

    def __init__(self, model: type[M], where: str, *, without: Sequence[str] = ()) -> None:
        self.model = model
        self.where = where
        self.without = frozenset(without)

    def all(self, *parameters: object) -> list[M]:
        """Return every row."""
        return [self._row(values) for values in fetch(self._statement, parameters)]

    def first(self, *parameters: object) -> M | None:
        """Return the first row, or nothing."""
        found = fetch(self._statement, parameters)
        return self._row(found[0]) if found else None

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
    def _statement(self) -> str:
        columns = ", ".join(f'"{field.column}"' for field in self._fields)
        return f'SELECT {columns} FROM "{self.model._meta.db_table}" WHERE {self.where}'  # noqa: S608 - no value is in it

    def _row(self, values: Sequence[Any]) -> M:
        kept = list(values)
        for number in self._converted:
            kept[number] = self._fields[number].from_db_value(kept[number], None, connection)
        return self.model.from_db("default", self._names, kept)
