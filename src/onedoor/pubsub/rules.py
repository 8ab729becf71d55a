"""What an event type's schema may be, what an event of it may hold, and behind which other one it waits."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from onedoor.kernel.nation.shapes import Shape
from onedoor.kernel.said import said
from onedoor.pubsub.errors import BadEvent, BadEventType, PersonInEvent

ORDERED_BY = "x-onedoor-ordered-by"
"""Keyword of an event type's schema: the property by whose value its events keep their order."""
LARGEST_SCHEMA, LARGEST_EVENT = 32_768, 65_536
"""Bytes, as compact JSON."""
MOST_PARTS, MOST_PATTERNS = 10_000, 20
"""What a schema may say in all once each reference stands for what it names: so long does an event take at most."""
LARGEST_PATTERN = 512 * 1024
"""Bytes of a pattern once it is compiled."""
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
DEEPEST = 32
LONGEST_VALUE = 200
"""Signs of what orders events."""
MINUTE, MONTH = 60, 30 * 86_400
"""Seconds that an event may wait for a subscriber, at least and at most."""
_SPACES = re.compile(r"(?<=\d)\s+(?=\d)")
"""What people put between the digits of a number."""
LIFETIME = said("TTL is a number of seconds from {least} to {most}", least=MINUTE, most=MONTH)


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raise `BadEventType` unless *schema* is a JSON Schema that stands by itself; nothing is fetched for it."""
    if too_deep(schema) or len(json.dumps(schema)) > LARGEST_SCHEMA:
        raise BadEventType(what=said("its schema is larger than {most} bytes, or too deep", most=LARGEST_SCHEMA))
    if _endless(schema):
        raise BadEventType(what=said("its references go round, or say far more than they take to write"))
    try:
        _compiled(json.dumps(schema))
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise BadEventType(what=said("its schema is no JSON Schema that stands by itself")) from error
    by = schema.get(ORDERED_BY)
    if by is not None and not (isinstance(by, str) and by in schema.get("properties", {})):
        raise BadEventType(what=said("{keyword} names no property of its schema", keyword=ORDERED_BY))


def check_content(event: Mapping[str, Any], person: Shape) -> None:
    """Raise `BadEvent` for an *event* that is too large or deep, `PersonInEvent` if a personal number stands in it."""
    if too_deep(event) or len(json.dumps(event)) > LARGEST_EVENT:
        raise BadEvent(what=said("it is larger than {most} bytes, or too deep", most=LARGEST_EVENT))
    if person.text and any(person.stands_in(one) or person.stands_in(_SPACES.sub("", one)) for one in _texts(event)):
        raise PersonInEvent


def check_event(schema: Mapping[str, Any], event: Mapping[str, Any], person: Shape) -> None:
    """Raise as `check_content`, and `BadEvent` unless *event* fits *schema*."""
    check_content(event, person)
    wrong = next(_compiled(json.dumps(schema)).iter_errors(event), None)
    if wrong is not None:
        place = "/".join(str(one) for one in wrong.instance_path) or "/"
        raise BadEvent(what=said("at “{place}” it is not what the schema of its type says", place=place[:80]))


def line(schema: Mapping[str, Any], event: Mapping[str, Any], number: int, *, in_order: bool) -> str:
    """Return the line in which the *number*th event of a type waits: that of all, of its value, or one of its own."""
    if in_order:
        return "all"
    value = event.get(schema.get(ORDERED_BY, ""))
    if value is None or isinstance(value, dict | list):
        return f"one {number}"
    return f"by {str(value)[:LONGEST_VALUE]}"


def too_deep(value: object, left: int = DEEPEST) -> bool:
    """Return whether *value* is nested in itself more than *left* times."""
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return left < 0 or any(too_deep(one, left - 1) for one in parts)


def _endless(schema: Mapping[str, Any]) -> bool:
    """Return whether *schema* says too much with each reference written out: one that goes round has no end.

    A reference is a pointer into the schema itself (``#/$defs/place``); a part that takes another base has none.
    """
    parts, patterns = 0, 0
    waiting: list[Any] = [schema]
    try:
        while waiting and parts <= MOST_PARTS and patterns <= MOST_PATTERNS:
            part = waiting.pop()
            parts += 1 + len(part)
            if isinstance(part, Mapping):
                if part is not schema and isinstance(part.get("$id"), str):
                    return True
                waiting += [_named(schema, part[key]) for key in REFERENCES if isinstance(part.get(key), str)]
                own = part.get("patternProperties")
                patterns += isinstance(part.get("pattern"), str) + (len(own) if isinstance(own, Mapping) else 0)
            inside = part.values() if isinstance(part, Mapping) else part
            waiting += [one for one in inside if isinstance(one, Mapping | list)]
    except (LookupError, TypeError, ValueError):
        return True
    return bool(waiting) or parts > MOST_PARTS or patterns > MOST_PATTERNS or "draft-04" in str(schema.get("$schema"))


def _named(schema: Any, reference: str) -> Any:  # noqa: ANN401 - JSON
    """Return the part of *schema* at a pointer (RFC 6901) in a fragment; raise LookupError or ValueError."""
    base, *steps = unquote(reference).split("/")
    if base != "#":
        raise ValueError("no pointer into the schema itself")
    for step in steps:
        name = step.replace("~1", "/").replace("~0", "~")
        schema = schema[int(name)] if isinstance(schema, list) else schema[name]
    return schema if isinstance(schema, Mapping) else {}


@lru_cache(maxsize=32)
def _compiled(schema: str) -> Any:  # noqa: ANN401 - the library has no type of its own for it
    """Return the validator of *schema*: it fetches nothing, and its patterns take time in the text's length alone."""
    patterns = jsonschema_rs.RegexOptions(size_limit=LARGEST_PATTERN, dfa_size_limit=LARGEST_PATTERN)
    return jsonschema_rs.validator_for(
        json.loads(schema), validate_formats=True, offline=True, pattern_options=patterns
    )


def _texts(value: object) -> Iterator[str]:
    """Yield every text in *value*, keys of objects and whole numbers too."""
    if isinstance(value, Mapping):
        yield from value
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and value % 1 == 0:
        yield str(int(value))
