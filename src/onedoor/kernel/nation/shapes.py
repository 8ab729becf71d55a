"""The shapes a nation gives to what people and agencies write: personal numbers, codes of services."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from onedoor.kernel.nation.texts import TEXT_SCHEMA
from onedoor.kernel.said import said
from onedoor.kernel.text import Text

if TYPE_CHECKING:
    from onedoor.kernel.nation.documents import Document, Fault

KEYS = ("person_number", "service_code")
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["pattern", "example", "text"],
    "anyOf": [{"required": ["source"]}, {"required": ["illustrative"]}],
    "additionalProperties": False,
    "properties": {
        "pattern": {"type": "string", "minLength": 1, "description": "a regular expression for the whole of it"},
        "example": {"type": "string", "minLength": 1},
        "text": TEXT_SCHEMA,
        "source": {"type": "string", "minLength": 1},
        "illustrative": {"const": True},
    },
}


@dataclass(frozen=True)
class Shape:
    """What something written must look like, in a pattern and in words; without a pattern anything will do."""

    pattern: str = ".+"
    example: str = ""
    text: Text = field(default_factory=dict)

    @classmethod
    def read(cls, data: Mapping[str, Any] | None) -> Self:
        """Return the shape that ``nation.yaml`` gives, or the one that takes anything."""
        return cls(data["pattern"], data["example"], data["text"]) if data else cls()

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def fits(self, written: str) -> bool:
        """Return whether *written* has this shape as a whole."""
        return bool(self._compiled.fullmatch(written))

    @cached_property
    def _standing(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w-])(?:{self.pattern})(?![\w-])")

    def stands_in(self, text: str) -> bool:
        """Return whether a word of *text* has this shape; a part of a longer word, such as a UUID, has none."""
        return bool(self._standing.search(text))


def faults(document: "Document") -> Iterator["Fault"]:
    """Yield a fault for a shape whose pattern is none, or does not take its own example."""
    for key in KEYS:
        data = document.data.get(key)
        if data is None:
            continue
        try:
            fits = Shape.read(data).fits(data["example"])
        except re.error as error:
            yield document.fault(
                (key, "pattern"), said("this is no regular expression: {error}", error=error), said("correct it")
            )
            continue
        if not fits:
            wrong = said(
                "the example “{example}” does not have the shape {pattern}",
                example=data["example"],
                pattern=data["pattern"],
            )
            yield document.fault((key, "example"), wrong, said("correct one of the two"))
