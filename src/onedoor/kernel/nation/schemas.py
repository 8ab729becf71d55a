"""Faults of a document against the JSON Schema of its kind, in plain words."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, cast

import jsonschema_rs

from onedoor.kernel.nation.documents import Document, Fault, Keys
from onedoor.kernel.nation.file_kinds import FileKind
from onedoor.kernel.said import Said, either, quoted, said

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
ONE_LETTER = 0.5
"""How alike two languages of two letters are that share one: “rf” was meant for “fr”."""
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


def text_faults(document: Document, kind: FileKind, languages: Sequence[str]) -> Iterator[Fault]:
    """Yield a fault for each of *languages* that a text lacks, and for each other one that it has."""
    for keys, text in kind.texts.texts(document.data):
        if text.keys() != set(languages):
            yield from _language_faults(document, keys, text, languages)


def nearest(word: str, known: Sequence[str]) -> Said:
    """Return what to write instead of *word*: the nearest of the *known* words, or all of them."""
    found = get_close_matches(word, known, n=1, cutoff=0.6)
    if found:
        return said("write “{value}”", value=found[0])
    return said("use one of: {names}", names=", ".join(known)) if known else said("leave it out")


def _language_faults(
    document: Document, keys: Keys, text: Mapping[str, str], languages: Sequence[str]
) -> Iterator[Fault]:
    missing = [language for language in languages if language not in text]
    for language in [one for one in text if one not in languages]:
        meant = get_close_matches(language, missing, n=1, cutoff=ONE_LETTER)
        missing = [one for one in missing if one not in meant]
        wrong = said("“{language}” is no language of this nation", language=language)
        instead = said("write “{value}”", value=meant[0]) if meant else nearest(language, languages)
        yield document.fault((*keys, language), wrong, instead)
    for language in missing:
        wrong = said("this text has no “{language}”", language=language)
        yield document.fault(keys, wrong, said("add {language}: …", language=language))


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
            wanted = either(NAMES[name] for name in facts["types"])
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
