"""The rights of a person as the nation's file gives them: dated layers of law, with the limits of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from onedoor.kernel import nation
from onedoor.kernel.clock import Calendar, Limit
from onedoor.kernel.text import Text

SEE, CORRECT, RESTRICT, OBJECT, ERASE, TAKE = "see", "correct", "restrict", "object", "erase", "take-along"
RIGHTS = (SEE, CORRECT, RESTRICT, OBJECT, ERASE, TAKE)
PURPOSE = "personal-rights"
"""The purpose of the nation's rights under which persons ask, and officers look at what they ask."""
ASKED = (RESTRICT, OBJECT, ERASE)
"""The rights on which an agency decides; the others are answered at once, or as a correction."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What the law says of a right from a day on: limits to acknowledge, to fulfil, and of the one extension."""

    valid_from: date
    laws: tuple[str, ...]
    text: Text
    source: Text | str
    acknowledge: Limit
    fulfil: Limit
    extension: Limit | None = None
    article: str = ""
    illustrative: bool = False
    valid_until: date = date.max

    @property
    def reference(self) -> str:
        """Return laws and article as one writes them, such as ``91/2025/QH15, 356/2025/NĐ-CP``."""
        return f"{', '.join(self.laws)} {self.article}".strip()

    def due(self, calendar: Calendar, asked: datetime) -> datetime:
        """Return the last moment to answer what was *asked*."""
        return calendar.due(calendar.counted_from(asked, None), self.fulfil)

    def extended(self, calendar: Calendar, due: datetime) -> datetime:
        """Return the last moment after the one extension of what was *due*; there must be one."""
        if self.extension is None:
            raise ValueError("this layer has no extension")
        return calendar.due(due, self.extension)


@dataclass(frozen=True, slots=True)
class Right:
    """One right of a person: what it is called, and what the law said of it when."""

    id: str
    text: Text
    layers: tuple[Layer, ...]

    def on(self, day: date) -> Layer | None:
        """Return the layer in force on *day*, the one that began last; nothing when none is."""
        found = [one for one in self.layers if one.valid_from <= day <= one.valid_until]
        return max(found, key=lambda one: one.valid_from, default=None)

    def begun(self, day: date) -> Layer:
        """Return the layer that began on *day*: a request keeps the one it was asked under."""
        return next(one for one in self.layers if one.valid_from == day)


@dataclass(frozen=True, slots=True)
class PersonalRights:
    """The whole file: the rights by id, which posts decide at which system, how long a request is kept."""

    rights: Mapping[str, Right] = field(default_factory=dict)
    decided_by: Mapping[str, frozenset[str]] = field(default_factory=dict)
    kept_years: int = 0


def current() -> PersonalRights:
    """Return the rights of the nation; none when it has no such file."""
    return nation.current().once(_read)


def _read(country: nation.Nation) -> PersonalRights:
    found = country.documents("personal-rights")
    return read(found[0].data) if found else PersonalRights()


def read(data: Mapping[str, Any]) -> PersonalRights:
    """Return what a checked file says."""
    rights = {key: Right(key, one["text"], tuple(map(_layer, one["layers"]))) for key, one in data["rights"].items()}
    posts = {system: frozenset(named) for system, named in data["decided_by"].items()}
    return PersonalRights(rights, posts, data["kept"]["years"])


def _layer(data: Mapping[str, Any]) -> Layer:
    return Layer(
        valid_from=date.fromisoformat(data["valid_from"]),
        laws=tuple(data["laws"]),
        text=data["text"],
        source=data["source"],
        acknowledge=Limit.parse(data["acknowledge"]),
        fulfil=Limit.parse(data["fulfil"]),
        extension=Limit.parse(data["extension"]) if "extension" in data else None,
        article=data.get("article", ""),
        illustrative=data.get("illustrative", False),
        valid_until=date.fromisoformat(data.get("valid_until", date.max.isoformat())),
    )
