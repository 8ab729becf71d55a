"""What the room adds to a nation: files of the kinds ``register`` and ``demonstration``."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jsonschema_rs

from onedoor.kernel.nation import DATE_SCHEMA, TEXT_SCHEMA, Document, Fault, FileKind, Nation, nearest, register
from onedoor.kernel.nation.layers import laid_over, united, whole
from onedoor.kernel.nation.schemas import schema_faults
from onedoor.kernel.said import said
from onedoor.registers import demonstration, field_schemas, retention
from onedoor.registers.definition import ARCHIVED, DRAFT, PUBLISHED

ID = "^[a-z][a-z0-9-]*$"
NAME = "^[a-z][a-z0-9_]*$"
PATH = "^[a-z][a-z0-9_]*(\\.(\\*|[a-z][a-z0-9_]*))*$"
RESERVED = (
    "api",
    "breaches",
    "cases",
    "changes",
    "corrections",
    "data",
    "events",
    "own-data",
    "person-requests",
    "pub",
    "pull",
    "reads",
)
"""Services that every system has beside its registers, at the same addresses."""
SUBSYSTEM = "^[A-Z0-9-]+(/[A-Z0-9-]+){3}$"
PATHS: Mapping[str, Any] = {
    "type": "array",
    "minItems": 1,
    "uniqueItems": True,
    "items": {"type": "string", "pattern": PATH},
}
WIDTH: Mapping[str, Any] = {"type": "integer", "minimum": 1, "maximum": 20}


def _object(required: list[str], /, **properties: Any) -> Mapping[str, Any]:  # noqa: ANN401 - pieces of a JSON Schema
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


WORD: Mapping[str, Any] = {"type": "string", "pattern": PATH}
PART: Mapping[str, Any] = {
    "oneOf": [
        _object(["text"], text={"type": "string", "minLength": 1}),
        _object(["field"], field=WORD),
        _object(["digits_of", "width"], digits_of=WORD, width=WIDTH),
        _object(["province", "width"], province=PATHS, width=WIDTH),
        _object(["century_sex"], century_sex={**PATHS, "minItems": 2, "maxItems": 2}),
        _object(["serial", "year"], serial=PATHS, year=WORD, width=WIDTH),
        _object(["year", "width"], year=WORD, width={"enum": [2, 4]}),
        _object(["random"], random=WIDTH),
    ]
}
LAW: Mapping[str, Any] = {
    **_object(
        ["number", "source"],
        number={"type": "string", "minLength": 1, "description": "the number of the law, such as 60/2014/QH13"},
        article={"type": "string"},
        source={"type": "string", "minLength": 1},
        confidence={"enum": ["text", "press"]},
        until=DATE_SCHEMA,
        illustrative={"const": True},
    )
}
LAW["properties"]["from"] = DATE_SCHEMA
PARAMETER = _object(["paths"], paths=PATHS, person={"type": "boolean"}, **{"as": {"enum": ["folded", "year"]}})
FIELD = _object(
    ["name", "personal", "schema"],
    name=TEXT_SCHEMA,
    personal={"type": "boolean"},
    required={"type": "boolean"},
    default={},
    of=WORD,
    schema={"type": "object", "description": "the JSON Schema of the field's value; codes: names what it is a code of"},
)
OWN: Mapping[str, Any] = {
    "version": {
        "type": "integer",
        "minimum": 1,
        "maximum": 9999,
        "description": "the number of the version, as it stands in addresses, such as 2",
    },
    "state": {"enum": [DRAFT, PUBLISHED, ARCHIVED]},
    "valid_from": DATE_SCHEMA,
}
VERSION = _object(
    ["version", "state", "valid_from"],
    **OWN,
    fields={
        "type": "object",
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {**FIELD, "required": [], "type": ["object", "null"]},
        "description": "what this version lays over the fields of the file; null leaves a field out",
    },
)
SCHEMA = _object(
    [
        "register",
        "member",
        "subsystem",
        "owner",
        "name",
        "law",
        "subjects",
        "identity",
        "identifier",
        "lookups",
        "fields",
    ],
    register={"type": "string", "pattern": ID, "description": "the id of the register, as the file"},
    member={"type": "string", "pattern": "^[A-Z0-9-]+(/[A-Z0-9-]+){2}$"},
    subsystem={"type": "string", "pattern": SUBSYSTEM},
    owner={"type": "string", "description": "the id of the agency that owns the register"},
    name=TEXT_SCHEMA,
    law={"type": "array", "minItems": 1, "items": LAW},
    subjects=PATHS,
    identity=PATHS,
    history={
        "type": "array",
        "uniqueItems": True,
        "items": {"type": "string"},
        "description": "the purposes (rights) for which another day, or what was known at a moment, may be asked",
    },
    corrections=_object(
        ["limit", "posts"],
        limit={
            "type": "string",
            "pattern": "^[1-9][0-9]{0,3}wd$",
            "description": "working days to decide, such as 10wd",
        },
        posts={"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string"}},
        source={"type": "string"},
        illustrative={"const": True},
    ),
    shared={
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"type": "string"},
        "description": "fields about the record as a whole that every subject is told of when they ask for their data",
    },
    retention=retention.schema(LAW),
    identifier=_object(
        ["field", "parts"],
        field={"type": "string", "pattern": NAME},
        parts={"type": "array", "minItems": 1, "items": PART},
        illustrative={"const": True},
        source={"type": "string"},
    ),
    lookups={
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": NAME},
            "additionalProperties": PARAMETER,
        },
    },
    fields={
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": NAME},
        "additionalProperties": FIELD,
    },
    versions={
        "type": "array",
        "minItems": 1,
        "items": VERSION,
        "description": "the dated versions of the fields; without them the file is version 1, published",
    },
)
WHOLE = FileKind("register version", "", schema={**SCHEMA, "properties": {**SCHEMA["properties"], **OWN}})


def check(document: Document, nation: Nation) -> Iterable[Fault]:
    """Yield the faults of a register that its schema cannot see."""
    data = document.data
    yield from _name_faults(document)
    members = {agency.id: agency.subsystem for agency in nation.members.values()}
    if data["owner"] not in members:
        yield document.fault(
            ["owner"], said("there is no member “{owner}”", owner=data["owner"]), nearest(data["owner"], list(members))
        )
    elif members[data["owner"]] != data["subsystem"]:
        wrong = said("the owner's system is not “{subsystem}”", subsystem=data["subsystem"])
        yield document.fault(["subsystem"], wrong, said("write {value}", value=members[data["owner"]]))
    if not data["subsystem"].startswith(data["member"] + "/"):
        yield document.fault(
            ["member"], said("the system is not the member's"), said("write the first three parts of subsystem")
        )
    purposes = [right.data["purpose"] for right in nation.documents("right")]
    for number, purpose in enumerate(data.get("history", ())):
        if purpose not in purposes:
            yield document.fault(
                ["history", number], said("there is no right “{purpose}”", purpose=purpose), nearest(purpose, purposes)
            )
    posts = {post for one in nation.agencies.values() if one.member == data["owner"] for post in one.posts}
    for number, post in enumerate(data.get("corrections", {}).get("posts", ())):
        if data["owner"] in members and post not in posts:
            wrong = said("no authority of the owner has the post “{post}”", post=post)
            yield document.fault(["corrections", "posts", number], wrong, nearest(post, sorted(posts)))
    yield from retention.check(document, purposes, united(data, "fields"))
    yield from _lookup_faults(document)
    yield from _shared_faults(document)
    yield from _version_faults(document)
    for number, version in enumerate(whole(data)):
        laid = laid_over(document, number, version)
        shape = list(schema_faults(laid, WHOLE))
        yield from shape or (*_path_faults(laid), *_field_faults(laid, nation))


def _name_faults(document: Document) -> Iterator[Fault]:
    data = document.data
    if data["register"] != document.path.stem:
        wrong = said(
            "the register “{register}” stands in the file {name}", register=data["register"], name=document.path.name
        )
        yield document.fault(["register"], wrong, said("write {stem} or rename the file", stem=document.path.stem))
    if data["register"] in RESERVED:
        wrong = said("“{register}” is a service of every system", register=data["register"])
        yield document.fault(["register"], wrong, said("give the register another name"))
    if "id" in united(data, "fields"):
        wrong = said("a record has an id of its own besides its fields")
        yield document.fault(["fields", "id"], wrong, said("call the field otherwise, such as number"))


def _version_faults(document: Document) -> Iterator[Fault]:
    """Yield what is wrong with the versions of a file beside each other."""
    published: list[Mapping[str, Any]] = []
    last = 0
    for place, one in enumerate(whole(document.data) if "versions" in document.data else ()):
        number, keys = one["version"], ("versions", place)
        if number <= last:
            wrong = said("version {number} stands behind version {last}", number=number, last=last)
            yield document.fault((*keys, "version"), wrong, said("write each number once, in their order"))
        last = number
        if one["state"] != PUBLISHED:
            continue
        for before in published:
            yield from _beside(document, place, before, one)
        published.append(one)
    if "versions" in document.data and not published:
        yield document.fault(
            ("versions",),
            said("no version is published"),
            said("write state: {published} in one of them", published=PUBLISHED),
        )


def _beside(document: Document, place: int, before: Mapping[str, Any], one: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with a published version behind another one: the later takes writes from its day on."""
    if one["valid_from"] <= before["valid_from"]:
        wrong = said(
            "versions {version} and {version2} would take writes together",
            version=before["version"],
            version2=one["version"],
        )
        yield document.fault(
            ("versions", place, "valid_from"),
            wrong,
            said("write a day after {valid_from}", valid_from=before["valid_from"]),
        )
    for name, field in before["fields"].items():
        if name not in one["fields"] and field.get("required", "default" not in field):
            wrong = said(
                "“{name}” must be there in version {version}, is gone here, and both are published",
                name=name,
                version=before["version"],
            )
            yield document.fault(
                ("versions", place),
                wrong,
                said("archive version {version}, or keep the field", version=before["version"]),
            )


def _path_faults(document: Document) -> Iterator[Fault]:
    data = document.data
    known = list(field_schemas.paths({name: one["schema"] for name, one in data["fields"].items()}))
    for keys, path in _paths(data):
        if path not in known:
            yield document.fault(keys, said("there is no field “{name}”", name=path), nearest(path, known))
    for name, one in data["fields"].items():
        meant = (one.get("of"), f"{name}.*.{one.get('of')}")
        if "of" in one and not set(meant) & set(data["subjects"]):
            wrong = said("“{path}” is none of the subjects", path=one["of"])
            yield document.fault(["fields", name, "of"], wrong, nearest(one["of"], data["subjects"]))


def _paths(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every path into a record that the file names, with where it stands."""
    for key in ("subjects", "identity"):
        yield from (((key, number), path) for number, path in enumerate(data[key]))
    yield ("identifier", "field"), data["identifier"]["field"]
    for number, part in enumerate(data["identifier"]["parts"]):
        named = [part[kind] for kind in ("field", "digits_of", "year") if kind in part]
        listed = [path for kind in ("province", "century_sex", "serial") for path in part.get(kind, ())]
        yield from ((("identifier", "parts", number), path) for path in (*named, *listed))
    for key, lookup in data["lookups"].items():
        for name, parameter in lookup.items():
            yield from ((("lookups", key, name), path) for path in parameter["paths"])


def _field_faults(document: Document, nation: Nation) -> Iterator[Fault]:
    for name, field in document.data["fields"].items():
        if found := list(field_schemas.faults(document, nation, ("fields", name, "schema"), field["schema"])):
            yield from found
            continue
        try:
            validator = jsonschema_rs.validator_for(field["schema"], validate_formats=True)
        except (jsonschema_rs.ValidationError, ValueError) as error:
            yield document.fault(
                ["fields", name, "schema"], said("this is no JSON Schema: {error}", error=error), said("correct it")
            )
            continue
        if "default" in field and not validator.is_valid(field["default"]):
            yield document.fault(
                ["fields", name, "default"], said("the default does not fit the schema"), said("write one that does")
            )
        if "default" in field and field.get("required"):
            yield document.fault(
                ["fields", name, "default"], said("a required field has a default"), said("keep one of the two")
            )
    first = document.data["subjects"][0]
    about = document.data["fields"].get(first.partition(".")[0], {})
    identifier = document.data["identifier"]["field"]
    if about and "default" in about and first != identifier:
        yield document.fault(
            ["subjects", 0], said("the first subject may be missing"), said("name first the one always there")
        )


def _lookup_faults(document: Document) -> Iterator[Fault]:
    seen: dict[frozenset[str], str] = {}
    for key, lookup in document.data["lookups"].items():
        before = seen.setdefault(frozenset(lookup), key)
        if before != key:
            wrong = said("the look-ups “{before}” and “{name}” take the same values", before=before, name=key)
            yield document.fault(["lookups", key], wrong, said("name one of the values differently"))


def _shared_faults(document: Document) -> Iterator[Fault]:
    """Yield what is wrong with the fields that every subject is told of: they exist, and are about nobody alone."""
    known = united(document.data, "fields")
    whole = [name for name, one in known.items() if "of" not in one]
    for place, name in enumerate(document.data.get("shared", ())):
        if name not in whole:
            wrong = said("the register has no field “{name}” about the record as a whole", name=name)
            yield document.fault(["shared", place], wrong, nearest(name, whole))


def _lasting(data: Mapping[str, Any]) -> Mapping[tuple[str, ...], Any]:
    """Return what records lie stored by; names, laws, purposes and drafts may change while they do."""
    lasting: dict[tuple[str, ...], Any] = {
        (key,): data[key] for key in ("subsystem", "owner", "subjects", "identity", "identifier", "lookups")
    }
    for one in whole(data):
        version = f"v{one.get('version', 1)}"
        if one.get("state") != DRAFT:
            lasting |= {("fields", version): sorted(one["fields"])}
            lasting |= {("fields", name, version): {**field, "name": ""} for name, field in one["fields"].items()}
    return lasting


register(FileKind("register", "registers", check, SCHEMA, _lasting))
register(FileKind("demonstration", "demonstration.yaml", demonstration.check, demonstration.SCHEMA))
