"""What a nation adds to expressions: names of its units, its agencies, its code lists."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from onedoor.kernel.nation import Nation, Unit, UnknownUnit
from onedoor.kernel.text import pick
from onedoor.procedures.expressions import Functions
from onedoor.procedures.rules import Item, World


def world_of(nation: Nation, on: date) -> World:
    """Return the functions and lists of *nation* as they are on a day; names are in its first language."""
    return _World(nation, on).world()


class _World:
    def __init__(self, nation: Nation, on: date) -> None:
        self.nation, self.on, self.language = nation, on, nation.languages[0]
        self.lists: dict[str, Mapping[str, Item]] = {}

    def world(self) -> World:
        functions: Functions = {
            "unit_name": self.unit_name,
            "province": self.province,
            "agency": self.agency,
            "list_text": self.list_text,
            "residence_text": self.residence_text,
        }
        return World(functions, self.items, self.nation.person_number)

    def unit(self, code: str | None) -> Unit | None:
        try:
            return self.nation.units.unit(code, self.on) if code else None
        except UnknownUnit:
            return None

    def unit_name(self, code: str | None) -> str:
        """Return the full name of a unit and of those above it; the code itself for one not known on the day."""
        names, at = [], self.unit(code)
        while at:
            names.append(pick(at.full_name, self.language))
            at = self.unit(at.parent)
        return ", ".join(names) or code or ""

    def province(self, code: str | None) -> str | None:
        """Return the code of the highest unit above *code*; null for one not known on the day."""
        at = self.unit(code)
        while at and (above := self.unit(at.parent)):
            at = above
        return at.code if at else None

    def agency(self, kind: str, unit: str | None) -> str | None:
        """Return the id of the agency of a kind for a unit; null when none takes part."""
        name = f"{kind}-{unit}"
        return name if name in self.nation.agencies else None

    def list_text(self, name: str, code: str | None) -> str:
        """Return the name of a list's entry; the code itself when the list lacks it."""
        item = self.items(name).get(code or "")
        return pick(item.name, self.language) if item else code or ""

    def residence_text(self, residence: Mapping[str, Any] | None) -> str:
        """Return a residence ``{unit, address}`` in one line; empty for nothing."""
        return f"{residence['address']}, {self.unit_name(residence['unit'])}" if residence else ""

    def items(self, name: str) -> Mapping[str, Item]:
        """Return the entries of a code list by code."""
        if name not in self.lists:
            entries = self.nation.list(name).items
            self.lists[name] = {
                code: Item(item.name, {"unit": item.unit, **item.facts}) for code, item in entries.items()
            }
        return self.lists[name]
