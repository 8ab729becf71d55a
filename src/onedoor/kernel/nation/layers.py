"""Files in versions: a common part, and what each version lays over it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, TypeAlias, TypeVar

from onedoor.kernel.nation.documents import Document

Plain: TypeAlias = Mapping[str, Any]
VERSIONS = "versions"
PUBLISHED = "published"
FIRST = date.min.isoformat()
V = TypeVar("V")


def overlay(base: Plain, over: Plain) -> dict[str, Any]:
    """Return *base* with *over* laid over it: maps are merged, ``null`` takes a key away, all else replaces."""
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = overlay(merged[key], value)
        else:
            merged[key] = value
    return merged


def laid_over(document: Document, number: int, data: Plain) -> Document:
    """Return the version at the place *number* of a file as a document of its own; each key has the line it is on."""
    prefix = (VERSIONS, number)
    own = {path[2:]: line for path, line in document.lines.items() if path[:2] == prefix}
    written = {path[2:]: text for path, text in document.written.items() if path[:2] == prefix}
    return replace(document, data=data, lines={**document.lines, **own}, written={**document.written, **written})


def whole(data: Plain) -> list[dict[str, Any]]:
    """Return every version of a file in full, in its order; a file without versions is the only one."""
    common = {key: value for key, value in data.items() if key != VERSIONS}
    return [overlay(common, own) for own in data.get(VERSIONS, ({},))]


def current(data: Plain, day: date) -> dict[str, Any]:
    """Return the published version of a file that began last by *day*; before all of them, the first."""
    versions = whole(data)
    published = [one for one in versions if one.get("state", PUBLISHED) == PUBLISHED]
    return in_force(published or versions, day, lambda one: date.fromisoformat(one.get("valid_from", FIRST)))


def in_force(versions: Iterable[V], day: date, begins: Callable[[V], date]) -> V:
    """Return the version that began last by *day*; before all of them, the first to begin. There must be one."""
    inorder = sorted(versions, key=begins)
    return ([one for one in inorder if begins(one) <= day] or inorder[:1])[-1]


def united(data: Plain, key: str) -> dict[str, Any]:
    """Return the map under *key* with whatever any version has there; a later version goes before an earlier one."""
    return {name: value for one in whole(data) for name, value in one.get(key, {}).items()}
