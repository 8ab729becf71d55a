"""The kinds of columns in which personal data stand: envelopes, and blind indexes that find their rows.

To the database both are plain ``bytea``, so no migration knows them. What must reach every envelope, such as a rotation
of keys, finds the columns by their kind; a test holds that no other column of bytes has any.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

PLAIN = "django.db.models.BinaryField"


class SealedField(models.BinaryField):  # type: ignore[type-arg]
    """Envelopes; *row* is the SQL of the row's name in their `sealed.Place`, if that is not the primary key.

    *entered* is the kind of the row's ledger `entry`, if that commits to the envelope itself.
    """

    def __init__(self, *, row: str = "", entered: str = "", **options: Any) -> None:  # noqa: ANN401 - of any field
        self.row, self.entered = row, entered
        super().__init__(**options)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """Return what a migration writes down: a plain column of bytes."""
        name, _, arguments, options = super().deconstruct()
        return name, PLAIN, arguments, options

    def clone(self) -> "SealedField":
        """Return a copy, of the same kind."""
        return SealedField(row=self.row, entered=self.entered, **self.deconstruct()[3])


class BlindField(models.BinaryField):  # type: ignore[type-arg]
    """A blind index (`keys.blind`) of something about a person."""

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """Return what a migration writes down: a plain column of bytes."""
        name, _, arguments, options = super().deconstruct()
        return name, PLAIN, arguments, options

    def clone(self) -> "BlindField":
        """Return a copy, of the same kind."""
        return BlindField(**self.deconstruct()[3])


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of envelopes, one or an array of them in a row; *row* is SQL that names the row as their place does."""

    table: str
    column: str
    row: str
    many: bool
    entered: str


def sealed_columns() -> Iterator[SealedColumn]:
    """Yield every column of envelopes of this process's database."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            kind = _inner(field)
            if isinstance(kind, SealedField):
                row = kind.row or f"{model._meta.pk.attname}::text"
                yield SealedColumn(
                    model._meta.db_table, field.column or field.attname, row, kind is not field, kind.entered
                )


def personal_tables() -> set[str]:
    """Return the tables in which personal data stand: those with envelopes or blind indexes."""
    kinds = (SealedField, BlindField)
    found = ((model, field) for model in apps.get_models() for field in model._meta.local_concrete_fields)
    return {model._meta.db_table for model, field in found if isinstance(_inner(field), kinds)}


def blind_columns() -> Iterator[tuple[str, str]]:
    """Yield table and column of every blind index of this process's database."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, BlindField):
                yield model._meta.db_table, field.column or field.attname


def _inner(field: Any) -> Any:  # noqa: ANN401 - fields of Django, whatever they hold
    return field.base_field if isinstance(field, ArrayField) else field
