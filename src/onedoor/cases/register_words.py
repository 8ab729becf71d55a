"""What a look-up found, in words, field by field."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from onedoor.cases import directory
from onedoor.cases.views import AnswerView
from onedoor.registers.service import say


def told(register: str, records: Iterable[Mapping[str, Any]]) -> tuple[tuple[AnswerView, ...], ...]:
    """Return what each of *records* says, field by field in the register's order; what is empty is left out."""
    fields = directory.fields(register)
    return tuple(tuple(_lines(fields, record)) for record in records)


def _lines(fields: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[AnswerView]:
    for name, field in fields.items():
        said = say(field["schema"], record.get(name))
        if any(said.values()):
            yield AnswerView(name, field["name"], said, {})
