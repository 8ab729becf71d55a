"""Paths into a record, such as ``mother.number`` or ``members.*.number``."""

from collections.abc import Mapping
from typing import Any

MAPPING = (dict, Mapping)
"""What JSON makes first: asking an abstract class costs more than all the rest of a path."""


def values(record: object, path: str) -> list[Any]:
    """Return what stands at *path*; ``*`` is every entry of a list. Nothing, empty texts and null are left out."""
    head, _, rest = path.partition(".")
    if head == "*":
        found = record if isinstance(record, list) else []
    else:
        found = [record[head]] if isinstance(record, MAPPING) and head in record else []
    if rest:
        return [value for one in found for value in values(one, rest)]
    return [value for value in found if value not in (None, "")]


def first(record: object, path: str) -> Any:  # noqa: ANN401 - what JSON holds
    """Return the first value at *path*, or None."""
    if "." not in path and path != "*":
        value = record.get(path) if isinstance(record, MAPPING) else None
        return None if value == "" else value
    return next(iter(values(record, path)), None)
