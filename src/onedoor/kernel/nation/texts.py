"""Texts in the languages of a nation: their schema, and where in a file a schema has them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import jsonschema_rs

Schema: TypeAlias = Mapping[str, Any]
Keys: TypeAlias = tuple[str | int, ...]

TEXT_SCHEMA: Schema = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"type": "string", "minLength": 1},
    "description": "a text in each language of the nation, such as {vi: …, en: …, fr: …}",
}
"""The schema of a text in the nation's languages; that none is missing is checked for every file."""


def is_text(schema: Schema) -> bool:
    """Return whether *schema* is `TEXT_SCHEMA`, or a copy of it with words of its own."""
    return schema.get("additionalProperties") is TEXT_SCHEMA["additionalProperties"]


@dataclass(slots=True)
class Place:
    """What a schema says of texts in one place of a file and below it; what holds none is left out."""

    text: bool = False
    keys: dict[str, "Place"] = field(default_factory=dict)
    other_keys: "Place | None" = None
    items: "Place | None" = None
    branches: list[tuple[jsonschema_rs.Validator, "Place"]] = field(default_factory=list)

    def texts(self, value: object, keys: Keys = ()) -> Iterator[tuple[Keys, Mapping[str, str]]]:
        """Yield each text of *value*, which fits the schema, with the keys that lead to it."""
        if isinstance(value, dict):
            if self.text:
                yield keys, value
            for key in value if self.other_keys else self.keys.keys() & value.keys():
                below = self.keys.get(key, self.other_keys)
                if below:
                    yield from below.texts(value[key], (*keys, key))
        elif isinstance(value, list) and self.items:
            for number, item in enumerate(value):
                yield from self.items.texts(item, (*keys, number))
        for validator, branch in self.branches:
            if validator.is_valid(value):
                yield from branch.texts(value, keys)


def place_of(schema: Schema) -> Place:
    """Return where a file of this *schema* has texts; references are local ones to ``$defs``."""
    place = Place()
    _fill(place, schema, schema.get("$defs", {}), {})
    return place


def _fill(place: Place, schema: Schema, defs: Schema, known: dict[str, Place]) -> None:
    if is_text(schema):
        place.text = True
        return
    below = {key: _below(one, defs, known) for key, one in schema.get("properties", {}).items()}
    place.keys = {key: one for key, one in below.items() if one}
    place.other_keys = _below(schema.get("additionalProperties"), defs, known)
    place.items = _below(schema.get("items"), defs, known)
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        if branch := _below(one, defs, known):
            place.branches.append((jsonschema_rs.validator_for({**one, "$defs": defs}), branch))


def _below(schema: object, defs: Schema, known: dict[str, Place]) -> Place | None:
    """Return the place of a part of a schema; None where it has no texts. A definition may stand within itself."""
    if not isinstance(schema, Mapping):
        return None
    name = schema.get("$ref", "").rpartition("/")[2]
    place = known.get(name) or Place()
    if name and name not in known:
        known[name] = place
        _fill(place, defs[name], defs, known)
    elif not name:
        _fill(place, schema, defs, known)
    return place if name or place != Place() else None
