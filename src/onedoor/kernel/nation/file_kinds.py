"""The kinds of files a nation has: each room registers its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from onedoor.kernel.nation.documents import Document, Fault
from onedoor.kernel.nation.texts import Place, place_of

if TYPE_CHECKING:
    from onedoor.kernel.nation.nation import Nation

DATE_SCHEMA: Mapping[str, Any] = {"type": "string", "format": "date", "description": "a date such as 2026-09-01"}
UNIT_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "pattern": "^[0-9A-Z]{2,8}$",
    "description": 'the code of an administrative unit, in quotes, such as "00199"',
}


def nothing_more(document: Document, nation: "Nation") -> Iterable[Fault]:  # noqa: ARG001 - the shape of a check
    """Find nothing: the check of a kind whose schema says all."""
    return ()


@dataclass(frozen=True)
class FileKind:
    """A kind of file: its name, its folder (or single file) in a nation, its further check and its JSON Schema.

    ``lasting`` gives of a file's data what cannot change or go while the nation runs, by key path.
    """

    name: str
    folder: str
    check: Callable[[Document, "Nation"], Iterable[Fault]] = nothing_more
    schema: Mapping[str, Any] = field(default_factory=dict)
    lasting: Callable[[Any], Mapping[tuple[str, ...], Any]] | None = None

    @cached_property
    def validator(self) -> jsonschema_rs.Validator:
        """Return the compiled schema."""
        return jsonschema_rs.validator_for(dict(self.schema), validate_formats=True)

    @cached_property
    def texts(self) -> Place:
        """Return where files of this kind have texts in the nation's languages."""
        return place_of(self.schema)

    def paths(self, nation: Path) -> Iterator[Path]:
        """Yield the files of this kind in the nation at the path *nation*, in order."""
        place = nation / self.folder
        if place.suffix == ".yaml":
            yield from [place] if place.is_file() else []
        else:
            yield from sorted(place.rglob("*.yaml"))


_KINDS: dict[str, FileKind] = {}


def register(kind: FileKind) -> None:
    """Make *kind* known to this process; a kind of the same name is replaced."""
    _KINDS[kind.name] = kind


def kind_of(name: str) -> FileKind:
    """Return the kind called *name*; `KeyError` when no room of this process has registered it."""
    return _KINDS[name]


def kinds() -> tuple[FileKind, ...]:
    """Return all kinds known to this process, by name."""
    return tuple(_KINDS[name] for name in sorted(_KINDS))
