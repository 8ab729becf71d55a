"""Paths into a record, such as ``mother.number`` or ``members.*.number``."""

from collections.abc import Iterator, Mapping
from typing import Any


def values(record: object, path: str) -> Iterator[Any]:
    """Yield what stands at *path*; ``*`` is every entry of a list. Nothing, empty texts and null are left out."""
    head, _, rest = path.partition(".")
    if head == "*":
        found = record if isinstance(record, list) else []
    else:
        found = [record[head]] if isinstance(record, Mapping) and head in record else []
    for value in found:
        if rest:
            yield from values(value, rest)
        elif value not in (None, ""):
            yield value


def first(record: object, path: str) -> Any:  # noqa: ANN401 - what JSON holds
    """Return the first value at *path*, or None."""
    return next(values(record, path), None)
