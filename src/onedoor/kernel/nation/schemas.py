"""Faults of a document against the JSON Schema of its kind, in plain words."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from difflib import get_close_matches
from functools import reduce
from typing import Any, cast

import jsonschema_rs

from onedoor.kernel.nation.documents import Document, Fault
from onedoor.kernel.nation.file_kinds import FileKind
from onedoor.kernel.nation.said import Said, quoted, said

NAMES = {
    "string": said("a text"),
    "integer": said("a whole number"),
    "number": said("a number"),
    "boolean": said("true or false"),
    "object": said("keys with values"),
    "array": said("a list"),
    "null": said("nothing"),
}
UNKNOWN_KEYS = ("additionalProperties", "unevaluatedProperties")
EMPTY = ("minProperties", "minItems", "minLength")


def schema_faults(document: Document, kind: FileKind) -> Iterator[Fault]:
    """Yield every fault of *document* against the schema of *kind*."""
    for error in kind.validator.iter_errors(document.data):
        yield from _faults(document, kind.schema, error)


def without_unknown_keys(document: Document, kind: FileKind) -> Document | None:
    """Return *document* without the keys its schema does not know; None when that leaves other faults in it."""
    data = deepcopy(document.data)
    for error in kind.validator.iter_errors(document.data):
        if error.kind.name not in UNKNOWN_KEYS:
            return None
        place: Any = data
        for step in error.instance_path:
            place = place[step]
        for key in error.kind.as_dict()["unexpected"]:
            del place[key]
    return replace(document, data=data) if kind.validator.is_valid(data) else None


def text_faults(document: Document, languages: Sequence[str]) -> Iterator[Fault]:
    """Yield a fault for each text (a map whose keys are languages) that lacks one of *languages*."""
    yield from _text_faults(document, document.data, (), languages)


def nearest(word: str, known: Sequence[str]) -> Said:
    """Return what to write instead of *word*: the nearest of the *known* words, or all of them."""
    found = get_close_matches(word, known, n=1, cutoff=0.6)
    if found:
        return said("write “{value}”", value=found[0])
    return said("use one of: {names}", names=", ".join(known)) if known else said("leave it out")


def _text_faults(
    document: Document, value: object, path: tuple[str | int, ...], languages: Sequence[str]
) -> Iterator[Fault]:
    if isinstance(value, dict):
        if _is_text(value, languages):
            for language in languages:
                if not value.get(language):
                    yield document.fault(
                        path,
                        said("this text has no “{language}”", language=language),
                        said("add {language}: …", language=language),
                    )
            for language in set(value) - set(languages):
                wrong = said("“{language}” is no language of this nation", language=language)
                yield document.fault((*path, language), wrong, nearest(language, languages))
            return
        for key, item in value.items():
            yield from _text_faults(document, item, (*path, key), languages)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _text_faults(document, item, (*path, number), languages)


def _is_text(value: Mapping[str, object], languages: Sequence[str]) -> bool:
    """Return whether *value* is a text: sentences by two letters, at least two of them, or all, languages."""
    known = set(value) & set(languages)
    if not known or (len(known) == 1 and len(value) > 1):
        return False
    return all(len(key) == len(languages[0]) and (item is None or isinstance(item, str)) for key, item in value.items())


def _faults(document: Document, schema: Mapping[str, Any], error: jsonschema_rs.ValidationError) -> Iterator[Fault]:
    path = cast("list[str | int]", list(error.instance_path))
    facts = error.kind.as_dict()
    here = _place(schema, error.schema_path)
    match error.kind.name:
        case name if name in UNKNOWN_KEYS:
            known = sorted(here.get("properties", {}))
            for key in facts["unexpected"]:
                yield document.fault(
                    [*path, key], said("the key “{name}” is not known here", name=key), nearest(key, known)
                )
        case "required":
            yield document.fault(
                path,
                said("“{property}” is missing here", property=facts["property"]),
                said("add {property}: …", property=facts["property"]),
            )
        case "anyOf" | "oneOf" if facts.get("context"):
            branch = min(facts["context"], key=_distance)
            for inner in branch:
                yield from _faults(document, schema, inner)
        case _:
            yield document.fault(path, *_wrong(document, path, error, here))


def _wrong(
    document: Document, path: list[str | int], error: jsonschema_rs.ValidationError, here: Mapping[str, Any]
) -> tuple[Said, Said]:
    """Return what is wrong with one value, and what to write instead."""
    value, facts = error.instance, error.kind.as_dict()
    written = document.written.get(tuple(path), str(value))
    meant = said("write {wanted}", wanted=quoted(here["description"])) if "description" in here else None
    match error.kind.name:
        case "type" if facts["types"] == ["string"] and isinstance(value, int | float):
            return said("{written} is not a text but {value}", written=written, value=_name_of(value)), said(
                'write it in quotes: "{written}"', written=written
            )
        case "type":
            wanted = reduce(_either, (NAMES[name] for name in facts["types"]))
            return said("this is {value}, not {wanted}", value=_name_of(value), wanted=wanted), meant or said(
                "write {wanted}", wanted=wanted
            )
        case "enum":
            return said("“{written}” is not known here", written=written), nearest(
                written, [str(option) for option in facts["options"]]
            )
        case "pattern" | "format":
            form = facts.get("pattern") or facts.get("format")
            return said("“{written}” does not have the form {form}", written=written, form=form), meant or said(
                "write it in the form {form}", form=form
            )
        case name if name in EMPTY and not value:
            return said("nothing stands here"), meant or said(
                "write at least one entry, or leave the key out where it may be"
            )
        case _:
            return quoted(error.message), meant or said("correct the value")


def _either(one: Said, other: Said) -> Said:
    return said("{one} or {other}", one=one, other=other)


def _name_of(value: object) -> str:
    """Return in words what kind of JSON value *value* is."""
    if value is None or isinstance(value, bool):
        return NAMES["null" if value is None else "boolean"]
    kinds = {str: "string", int: "integer", float: "number", dict: "object", list: "array"}
    return NAMES[kinds[type(value)]]


def _distance(errors: Sequence[jsonschema_rs.ValidationError]) -> tuple[int, bool, int]:
    """Return how far a branch is from what was meant: the deeper its errors lie, the nearer."""
    depth = max((len(error.instance_path) for error in errors), default=0)
    other_kind = any(error.kind.name in ("type", "const", "enum") for error in errors)
    return -depth, other_kind, len(errors)


def _place(schema: Mapping[str, Any], steps: Sequence[str | int]) -> Mapping[str, Any]:
    """Return the part of *schema* that holds the keyword at the end of *steps*; local references are followed."""
    place: Any = schema
    for step in steps[:-1]:
        try:
            place = place[step]
        except (KeyError, IndexError, TypeError):
            return {}
        if step == "$ref" and isinstance(place, str) and place.startswith("#/"):
            place = _place(schema, [*place[2:].split("/"), ""])
    return place if isinstance(place, Mapping) else {}
