"""Code lists of a nation, such as sex, nationality or clinics."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from onedoor.kernel.errors import NotFound
from onedoor.kernel.nation.agencies import SOURCED
from onedoor.kernel.nation.documents import Document, Fault
from onedoor.kernel.nation.file_kinds import UNIT_SCHEMA
from onedoor.kernel.nation.texts import TEXT_SCHEMA
from onedoor.kernel.nation.units import UnknownUnit
from onedoor.kernel.said import first_of, said
from onedoor.kernel.text import Text

if TYPE_CHECKING:
    from onedoor.kernel.nation.nation import Nation

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["list", "name", "items"],
    "anyOf": SOURCED,
    "additionalProperties": False,
    "properties": {
        "list": {"type": "string", "pattern": "^[a-z][a-z0-9-]*$", "description": "the id of the list, as the file"},
        "name": TEXT_SCHEMA,
        "source": {"type": "string", "minLength": 1},
        "illustrative": {"const": True},
        "excerpt": {"type": "boolean"},
        "note": TEXT_SCHEMA,
        "items": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": {
                    "name": TEXT_SCHEMA,
                    "unit": UNIT_SCHEMA,
                    "facts": {"type": "object"},
                },
            },
        },
    },
}


class UnknownItem(NotFound):
    """The list {list} has no entry “{code}”. Please choose one of its entries."""


@dataclass(frozen=True)
class Item:
    """One entry of a list: its code, its name, perhaps the administrative unit it belongs to, further facts."""

    code: str
    name: Text
    unit: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CodeList:
    """A list of codes; an ``excerpt`` does not claim to be whole, an ``illustrative`` one claims no source."""

    id: str
    name: Text
    items: Mapping[str, Item]
    excerpt: bool = False
    illustrative: bool = False
    source: str = ""

    def item(self, code: str) -> Item:
        """Return the entry *code*; raise `UnknownItem`."""
        if code not in self.items:
            raise UnknownItem(list=self.id, code=code[:20])
        return self.items[code]


def make_list(document: Document) -> CodeList:
    """Return the list in *document*."""
    data = document.data
    items = {
        code: Item(code, item["name"], item.get("unit", ""), item.get("facts", {}))
        for code, item in data["items"].items()
    }
    return CodeList(
        id=data["list"],
        name=data["name"],
        items=items,
        excerpt=data.get("excerpt", False),
        illustrative=data.get("illustrative", False),
        source=data.get("source", ""),
    )


def check_list(document: Document, nation: "Nation") -> Iterable[Fault]:
    """Yield the faults of a list that its schema cannot see."""
    if document.data["list"] != document.path.stem:
        wrong = said("the list “{list}” stands in the file {name}", list=document.data["list"], name=document.path.name)
        yield document.fault(["list"], wrong, said("write {stem} or rename the file", stem=document.path.stem))
    for code, item in document.data["items"].items():
        try:
            nation.units.unit(item.get("unit", ""), nation.today()) if "unit" in item else None
        except UnknownUnit as error:
            yield document.fault(
                ("items", code, "unit"),
                first_of(error),
                said("write the code of a unit that exists today"),
            )
