"""The OpenAPI document of the GovStack digital-registries API, version 1.3.0, as this system answers it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from onedoor.kernel.openapi import answer, body, problems, strict
from onedoor.kernel.text import gettext_noop
from onedoor.registers.definition import Register

VERSION = "1.3.0"
RECORD: Mapping[str, Any] = {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}}
"""A record in the fields that the purpose opens, and the id under which it can be asked again."""
VALUES: Mapping[str, Any] = {"type": "object", "minProperties": 1}
CONTENT = {"type": "object", "required": ["content"], "properties": {"content": VALUES}}
SPELLINGS: Mapping[str, tuple[str, str]] = {
    "updateEntries": ("updateEntries", "update-entries"),
    "updateOrCreate": ("updateOrCreate", "update-or-create"),
    "readValue": ("readValue", "read-value"),
    "myPersonalDataUsage": ("myPersonalDataUsage", "my-personal-data-usage"),
}
"""Words of paths as the specification's own paths write them, and as its example of an address and its tests do."""
MOST_ON_A_PAGE = 100
TEXT = {"type": "string", "minLength": 1, "maxLength": 200}
REFUSALS = problems(
    {
        400: "the question has not the right form, or no declared look-up answers it",
        403: "the purpose does not allow it; the attempt was recorded",
        409: "the key was used for something else, more than one record was found, or this version is closed",
    }
)
UNKNOWN = problems({404: "this system does not hold the register, or not in this version"})
NOT_FOUND = {
    "404": {
        "description": "no record was found, or this system does not hold the register in this version",
        "content": {
            "application/json": {"schema": strict(detail={"const": "no record found"})},
            **UNKNOWN["404"]["content"],
        },
    }
}
DONE = {"description": "done; nothing is said"}
WRITTEN = answer("as it was written", strict(content=RECORD))


def writes(*, query: bool) -> dict[str, Any]:
    """Return the JSON Schema of a body with what is to be written, and perhaps with what finds it."""
    properties = {"write": CONTENT, **({"query": CONTENT} if query else {})}
    return {"type": "object", "required": ["write"], "properties": properties}


QUERY = {"type": "object", "required": ["query"], "properties": {"query": CONTENT}}


def document(registers: Iterable[Register]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the API over *registers*."""
    held = list(registers)
    names = sorted({f"query.{name}" for one in held for look_up in one.lookups.values() for name in look_up})
    paths: dict[str, Any] = {}
    for path, method, operation in _operations(names):
        for spelling, spelled in enumerate(_spelled(path)):
            one = {**operation, "operationId": operation["operationId"] + ("" if not spelling else "Hyphenated")}
            where = [_header(), *_places(spelled, sorted(one.id for one in held)), *operation.get("parameters", ())]
            paths[spelled] = {method: {**one, "parameters": where}}
    return {
        "openapi": "3.1.0",
        "info": {"title": gettext_noop("Registers by the GovStack digital-registries API"), "version": VERSION},
        "paths": paths,
    }


def _spelled(path: str) -> Iterator[str]:
    """Yield *path* in both spellings, or once when it has only one."""
    for word, spellings in SPELLINGS.items():
        if f"/{word}" in path:
            yield from (path.replace(f"/{word}", f"/{spelling}") for spelling in spellings)
            return
    yield path


def _operations(names: Iterable[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    of = "/{registryName}/{versionNumber}"
    summary = "The records that the values of one declared look-up find, page by page"
    yield (
        of,
        "get",
        _told("list", summary, {"200": answer("found; perhaps nothing", _page()), **UNKNOWN}, _asked(names)),
    )
    yield (
        f"{of}/create",
        "post",
        _told("create", "Write a new record", {"200": WRITTEN, **UNKNOWN}, writes(query=False)),
    )
    said = strict(answer=strict(status={"type": "boolean"}, message={"type": "string"}))
    summary = "Whether a declared look-up finds a record"
    yield f"{of}/exists", "post", _told("exists", summary, {"200": answer("said", said), **UNKNOWN}, QUERY)
    one = answer("found", strict(content=RECORD))
    summary = "The one record that a declared look-up finds"
    yield f"{of}/read", "post", _told("read", summary, {"200": one, **NOT_FOUND}, QUERY)
    summary = "Write the next version of the one record that a declared look-up finds"
    yield f"{of}/update", "put", _told("update", summary, {"200": DONE, **NOT_FOUND}, writes(query=True))
    summary = "Write the next version of every record that a declared look-up finds, of all or none"
    yield f"{of}/updateEntries", "put", _told("updateEntries", summary, {"200": DONE, **NOT_FOUND}, writes(query=True))
    summary = "Write the next version of the record that is found, or a new one"
    yield (
        f"{of}/updateOrCreate",
        "post",
        _told("updateOrCreate", summary, {"200": WRITTEN, **UNKNOWN}, writes(query=True)),
    )
    summary = "Have a record hold no more from today on; what was so and known stays"
    yield f"{of}/{{ID}}/delete", "delete", _told("delete", summary, {"204": DONE, **NOT_FOUND})
    value = answer("the value; nothing when it has none", {"type": "object", "properties": {"value": {}}})
    summary = "One field of one record"
    yield f"{of}/{{uuid}}/readValue/{{field}}.{{ext}}", "get", _told("readValue", summary, {"200": value, **NOT_FOUND})
    used = answer("the uses, the newest first", {"type": "array", "items": USE})
    summary = "Who has used the data of a person in a register"
    whose = [_in("query", "userId", TEXT), _in("query", "databaseId", TEXT)]
    yield "/myPersonalDataUsage", "get", _told("DPU", summary, {"200": used, **UNKNOWN}, whose)


USE: Mapping[str, Any] = strict(
    id={"type": "string", "format": "uuid"},
    readerId={"type": "string"},
    readerInstitutionId={"type": "string"},
    readerInstitutionName={"type": "string"},
    readerApplicationName={"type": "string"},
    searchDateTime={"type": "string", "format": "date-time"},
    refrences={"type": "array", "items": strict(ReferenceID={"type": "string"})},
)
"""A use of personal data; ``refrences`` is the specification's spelling."""


def _told(name: str, summary: str, responses: Mapping[str, Any], takes: Any = None) -> dict[str, Any]:  # noqa: ANN401
    """Return an operation that *takes* the JSON Schema of a body, or a list of parameters."""
    rest: dict[str, Any] = {}
    if isinstance(takes, list):
        rest = {"parameters": takes}
    elif takes is not None:
        rest = {"requestBody": body(takes)}
    return {
        "operationId": name,
        "summary": summary,
        **rest,
        "responses": dict(sorted({**responses, **REFUSALS}.items())),
    }


def _asked(names: Iterable[str]) -> list[dict[str, Any]]:
    words = [*names, "search", "filter"]
    return [
        *(_in("query", name, TEXT, required=False) for name in words),
        _in("query", "ordering", {"enum": ["ascending", "descending"]}, required=False),
        _in("query", "page", {"type": "integer", "minimum": 1, "maximum": 10**6}, required=False),
        _in("query", "pageSize", {"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE}, required=False),
    ]


def _page() -> dict[str, Any]:
    link = {"type": "string", "format": "uri"}
    found = strict(count={"type": "integer"}, results={"type": "array", "items": RECORD})
    return {**found, "properties": {**found["properties"], "next": link, "previous": link}}


def _places(path: str, registers: list[str]) -> Iterator[dict[str, Any]]:
    schemas: Mapping[str, Any] = {
        "registryName": {"enum": registers},
        "versionNumber": {"type": "integer", "minimum": 1, "maximum": 9999},
        "ID": {"type": "string", "format": "uuid"},
        "uuid": {"type": "string", "format": "uuid"},
        "field": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
        "ext": {"enum": ["json"]},
    }
    yield from (_in("path", name, schema) for name, schema in schemas.items() if f"{{{name}}}" in path)


def _header() -> dict[str, Any]:
    return _in("header", "Information-Mediator-Client", {"type": "string"})


def _in(place: str, name: str, schema: Mapping[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"in": place, "name": name, "required": required, "schema": dict(schema)}
