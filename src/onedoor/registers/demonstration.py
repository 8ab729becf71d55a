"""The nation's file of synthetic people: personas, and the words from which others are made."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import DATE_SCHEMA, TEXT_SCHEMA, UNIT_SCHEMA, Document, Fault, Nation, code_faults, nearest
from onedoor.kernel.nation.layers import current
from onedoor.kernel.said import said
from onedoor.registers.definition import Register, read
from onedoor.registers.people import generate
from onedoor.registers.people.rows import PERSON, PERSONS

WEIGHTS: Mapping[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"type": "integer", "minimum": 0},
}
WORDS: Mapping[str, Any] = {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}


def _object(required: list[str], **properties: Any) -> Mapping[str, Any]:  # noqa: ANN401 - pieces of a JSON Schema
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


def _by_sex(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return _object(["F", "M"], F=schema, M=schema)


TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
PERSONA = _object(
    ["id", "kind", "name", "note"],
    id=TEXT,
    kind={"enum": ["person", "officer"]},
    name=TEXT,
    number=TEXT,
    agency=TEXT,
    post=TEXT,
    member=TEXT,
    note=TEXT_SCHEMA,
    person=_object(
        ["born", "sex", "registered_in"],
        born=DATE_SCHEMA,
        sex={"enum": ["M", "F"]},
        ethnicity=TEXT,
        native_place=UNIT_SCHEMA,
        registered_in=UNIT_SCHEMA,
        mother=TEXT,
        father=TEXT,
    ),
)
FEW = 20
"""People made to try the registers: among them are children, couples and households."""
PEOPLE = _object(
    ["order", "address", "adult", "families", "given", "streets"],
    order={"type": "string", "pattern": "\\{family\\}"},
    address={"type": "string", "pattern": "\\{street\\}"},
    phone={"type": "string", "pattern": "\\{digits\\}"},
    email={"type": "string", "pattern": "\\{word\\}"},
    adult=_by_sex({"type": "integer", "minimum": 14}),
    births_since=DATE_SCHEMA,
    notices_since=DATE_SCHEMA,
    families=WEIGHTS,
    middle=_by_sex(WEIGHTS),
    given=_by_sex(WORDS),
    ethnicities=WEIGHTS,
    streets={"type": "object", "minProperties": 1, "additionalProperties": WORDS},
    insurance=_object(
        ["child", "pupil", "work", "retired", "covered"],
        child=TEXT,
        pupil=TEXT,
        work=WEIGHTS,
        retired=TEXT,
        covered={"type": "integer", "minimum": 0, "maximum": 100},
    ),
)  # fmt: skip
MEMBER = _object(["persona", "relation"], persona=TEXT, relation=TEXT)
SCHEMA = _object(
    ["illustrative", "note", "personas"],
    illustrative={"const": True},
    note=TEXT_SCHEMA,
    personas={"type": "array", "items": PERSONA},
    household=_object(
        ["unit", "address", "members"],
        unit=UNIT_SCHEMA,
        address=TEXT,
        members={"type": "array", "minItems": 1, "items": MEMBER},
    ),
    marriage=_object(
        ["husband", "wife", "registered_on", "place"],
        husband=TEXT,
        wife=TEXT,
        registered_on=DATE_SCHEMA,
        place=UNIT_SCHEMA,
    ),
    notice=_object(
        ["mother", "facility", "days_ago", "time", "sex", "weight_g"],
        mother=TEXT,
        facility=TEXT,
        days_ago={"type": "integer", "minimum": 0},
        time={"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"},
        sex={"enum": ["M", "F"]},
        weight_g={"type": "integer", "minimum": 200},
    ),
    people=PEOPLE,
    records={
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "object"}},
        "description": "whole records by register, which stand in it from the start",
    },
)


def check(document: Document, nation: Nation) -> Iterable[Fault]:
    """Yield the faults of the file that its schema cannot see."""
    faults = list(_written_faults(document, nation))
    yield from faults
    if "people" in document.data and not faults:
        yield from _made_faults(document, nation)


def _written_faults(document: Document, nation: Nation) -> Iterator[Fault]:
    data = document.data
    known = [row["id"] for row in data["personas"] if row["kind"] == "person"]
    for number, row in enumerate(data["personas"]):
        path = ("personas", number)
        if row["kind"] == "person":
            yield from _person_faults(document, path, row, nation)
        if row["kind"] == "officer":
            yield from _officer_faults(document, path, row, nation)
    yield from _record_faults(document, nation)
    if "people" in data:
        yield from _people_faults(document, nation)
    for keys, persona in _named(data):
        if persona not in known:
            yield document.fault(
                keys, said("there is no persona “{persona}”", persona=persona), nearest(persona, known)
            )


NEEDED: Mapping[str, Sequence[str]] = {
    "births": ("births_since",),
    "birth-notices": ("notices_since",),
    "insurance": ("insurance",),
}
"""What the generator draws from besides, by the register that it fills."""


PLACES: Mapping[str, Sequence[str]] = {
    "order": ("family", "middle", "given"),
    "address": ("number", "street"),
    "phone": ("digits",),
    "email": ("word",),
}
"""What the generator fills in where a text of the file has it in braces."""


def _place_faults(document: Document, word: str, known: Sequence[str]) -> Iterator[Fault]:
    """Yield what stands in braces in the text *word* and is none of the *known* places to fill."""
    text = document.data["people"].get(word, "")
    for place in re.findall(r"{[^{}]*}|[{}]", text):
        if place not in known:
            wrong = said("“{place}” is no place to fill in here", place=place)
            yield document.fault(["people", word], wrong, nearest(place, known))


def _people_faults(document: Document, nation: Nation) -> Iterator[Fault]:
    """Yield what the generator would miss: where people live, streets of units there are, words for each register."""
    data = document.data
    for word, known in PLACES.items():
        yield from _place_faults(document, word, [f"{{{name}}}" for name in known])
    if any(row["kind"] == "person" for row in data["personas"]) and "household" not in data:
        yield document.fault(
            ["personas"], said("these persons live nowhere"), said("add household: {unit, address, members}")
        )
    for unit in data["people"]["streets"]:
        if not nation.units.known(unit, nation.today()):
            wrong = said("there is no administrative unit “{unit}” today", unit=unit)
            yield document.fault(["people", "streets", unit], wrong, said("write the code of one, in quotes"))
    for one in nation.documents("register"):
        for word in NEEDED.get(one.data["register"], ()):
            if word not in data["people"]:
                wrong = said(
                    "“{word}” is missing, from which the register “{register}” is filled",
                    word=word,
                    register=one.data["register"],
                )
                yield document.fault(["people"], wrong, said("add {word}: …", word=word))


def _made_faults(document: Document, nation: Nation) -> Iterator[Fault]:
    """Make a few people and yield what in the registers does not fit them, at its place in the register's file."""
    files = {one.data["register"]: one for one in nation.documents("register")}
    if PERSONS not in files:
        wrong = said("people are made for a register called “{register}”, and there is none", register=PERSONS)
        yield document.fault(["people"], wrong, said("call the register of persons so, or leave people out"))
        return
    try:
        made = generate(FEW, nation=nation)
    except OnedoorError:
        return  # a place or a list at fault, which is said of its own file
    except (LookupError, ValueError) as error:
        wrong = said("no people can be made of these words and places: {error}", error=error)
        yield document.fault(["people"], wrong, said("compare with docs/how-to/add-a-register.md"))
        return
    for name, rows in made.items():
        if "versions" in files[name].data:
            continue  # a register that changed takes new versions in a nation that runs and has its people
        register = read(current(files[name].data, nation.today()))
        if not _is_schema(register.schema):
            continue  # which is said of the register itself
        first: dict[str, Fault] = {}
        for row in rows:
            for field, fault in _misfits(files[name], register, row):
                first.setdefault(field, fault)
        yield from first.values()


def _is_schema(schema: Mapping[str, Any]) -> bool:
    try:
        jsonschema_rs.validator_for(dict(schema))
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True


def _misfits(file: Document, register: Register, row: Mapping[str, Any]) -> Iterator[tuple[str, Fault]]:
    """Yield by field what a made record lacks of *register*, has besides its fields, or has with another value."""
    strange = [name for name in row if name not in register.fields]
    lacking = [name for name in register.fields if name not in row and name not in register.defaults]
    for name in lacking:
        wrong = said("people are made without the field “{name}”, which must be there", name=name)
        known = [*strange, *(one for one in PERSON if register.id == PERSONS and one not in register.fields)]
        yield name, file.fault(("fields", name), wrong, nearest(name, known))
    for name in strange if not lacking else ():
        wrong = said("people are made with a field “{name}”, which is not here", name=name)
        yield name, file.fault(("fields",), wrong, said("add {name}: …", name=name))
    fitting = {**register.defaults, **{name: value for name, value in row.items() if name not in strange}}
    for error in () if lacking else register.validator.iter_errors(fitting):
        wrong = said("people are made with another value here: {message}", message=error.message)
        keys = ("fields", *error.instance_path[:1])
        yield str(keys[-1]), file.fault(keys, wrong, said("write a schema that takes it"))


def _named(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every persona the file names, with where it stands."""
    for number, one in enumerate(data.get("household", {}).get("members", ())):
        yield ("household", "members", number, "persona"), one["persona"]
    for key, roles in (("marriage", ("husband", "wife")), ("notice", ("mother",))):
        yield from (((key, role), data[key][role]) for role in roles if key in data)


def _person_faults(
    document: Document, path: tuple[str | int, ...], row: Mapping[str, Any], nation: Nation
) -> Iterator[Fault]:
    needed = ("number", "person") if "people" in document.data else ("number",)
    for key in needed:
        if key not in row:
            yield document.fault(path, said("a person needs “{name}”", name=key), said("add {name}: …", name=key))
    shape = nation.person_number
    if "number" in row and not shape.fits(row["number"]):
        wrong = said("“{number}” is not a personal number", number=row["number"])
        yield document.fault((*path, "number"), wrong, said("write one such as {example}", example=shape.example))


def _record_faults(document: Document, nation: Nation) -> Iterator[Fault]:
    today = nation.today()
    registers = {one.data["register"]: read(current(one.data, today)) for one in nation.documents("register")}
    for name, records in document.data.get("records", {}).items():
        if name not in registers:
            instead = nearest(name, sorted(registers))
            yield document.fault(("records", name), said("there is no register “{name}”", name=name), instead)
            continue
        if not _is_schema(registers[name].schema):
            continue  # which is said of the register itself
        for number, record in enumerate(records):
            yield from code_faults(document, nation, ("records", name, number), registers[name].schema, record)
            for error in registers[name].validator.iter_errors(record):
                place = ("records", name, number, *error.instance_path)
                yield document.fault(
                    place,
                    said("this record does not fit its register: {message}", message=error.message),
                    said("correct it"),
                )


def _officer_faults(
    document: Document, path: tuple[str | int, ...], row: Mapping[str, Any], nation: Nation
) -> Iterable[Fault]:
    agency = nation.agencies.get(row.get("agency", ""))
    if agency is None:
        instead = nearest(row.get("agency", ""), list(nation.agencies))
        yield document.fault(
            (*path, "agency"), said("there is no agency “{value}”", value=row.get("agency", "")), instead
        )
        return
    posts = [f"{agency.id}.{post}" for post in agency.posts]
    if row.get("post") not in posts:
        wrong = said("the agency has no post “{value}”", value=row.get("post", ""))
        yield document.fault((*path, "post"), wrong, nearest(row.get("post", ""), posts))
    if row.get("member") != agency.member:
        yield document.fault(
            (*path, "member"),
            said("the agency works on another member's system"),
            said("write {member}", member=agency.member),
        )
