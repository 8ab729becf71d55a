"""The OpenAPI document of a register, made from its file."""

from collections.abc import Mapping
from typing import Any

from onedoor.kernel.openapi import NAMES, answer, body, problems, strict
from onedoor.kernel.text import gettext_noop
from onedoor.registers.definition import ARCHIVED, DRAFT, PUBLISHED, Register

SHORT: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200}
CORRECTION: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["by", "field", "value", "why"],
    "properties": {
        "by": {"type": "object", "minProperties": 1, "additionalProperties": SHORT},
        "field": SHORT,
        "value": {"type": "string", "maxLength": 200, "pattern": "^[^\\x00-\\x1f]*$"},
        "why": {"type": "string", "minLength": 1, "maxLength": 2000, "pattern": "^[^\\x00]*$"},
    },
}
WHICH: Mapping[str, Any] = {
    "code": {"type": "string", "pattern": "^[0-9A-Z-]{1,16}$"},
    "register": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,59}$"},
    "field": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,59}$"},
}
TOLD: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["code", "register", "field", "reads", "cases"],
    "properties": {
        **WHICH,
        "reads": {"type": "array", "items": {"type": "string", "format": "uuid"}},
        "cases": {"type": "array", "items": {"type": "string", "pattern": "^[!-~]{1,40}$"}},
    },
}
CHANGE = strict(
    register=WHICH["register"],
    record={"type": "string", "format": "uuid"},
    version={"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
    fields={"type": "array", "minItems": 1, "maxItems": 100, "items": WHICH["field"]},
    ended={"type": "boolean"},
)
"""That a record has a new version; never what it says."""
ANSWERED = strict(**WHICH, account={"type": "string", "format": "uuid"}, accepted={"type": "boolean"})
"""That a request is decided, for the account that asked; never the fact itself."""
LATE = strict(**WHICH, account={"type": "string", "format": "uuid"}, due={"type": "string", "format": "date-time"})


def document(register: Register) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of what the exchange may ask *register* without a version in the address."""
    paths = {"/lookup": {"post": _lookup(register)}, "/records": {"post": _write(register)}}
    if register.history:
        paths["/provenance"] = {"post": _provenance(register)}
    return _document(register, paths | (_corrections() if register.corrections else {}))


def of_version(register: Register) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of one version of a register: what its state lets be done."""
    paths: dict[str, Any] = {"/try": {"post": _try()}}
    if register.state != DRAFT:
        paths["/lookup"] = {"post": _lookup(register) | {"deprecated": register.state == ARCHIVED}}
    if register.state == PUBLISHED:
        paths["/records"] = {"post": _write(register)}
    return _document(register, paths)


def _document(register: Register, paths: dict[str, Any]) -> dict[str, Any]:
    about = {"title": register.name.get("en", register.id), "version": str(register.version)}
    return {
        "openapi": "3.1.0",
        "info": {**about, NAMES: dict(register.name), "x-state": register.state},
        "paths": paths,
        "components": {"schemas": {"Record": _record(register)}},
    }


def of_corrections() -> dict[str, Any]:
    """Return the OpenAPI document of the service by which owners tell that a fact was corrected."""
    told = _heard("told", "Tell that a fact this system has read was corrected; never the fact itself", TOLD)
    answered = _heard("answered", "Tell that a correction a person of this system asked for is decided", ANSWERED)
    late = _heard("late", "Tell that a correction a person of this system asked for is not decided in time", LATE)
    return {
        "openapi": "3.1.0",
        "info": {"title": gettext_noop("Corrections of facts used or asked for here"), "version": "1"},
        "paths": {"/told": {"post": told}, "/answered": {"post": answered}, "/late": {"post": late}},
    }


def of_changes() -> dict[str, Any]:
    """Return the OpenAPI document of the service by which owners tell followers that a record has a new version."""
    told = _heard("told", "Tell that a record of a register this system follows has a new version", CHANGE)
    return {
        "openapi": "3.1.0",
        "info": {"title": gettext_noop("Changes of records this system follows"), "version": "1"},
        "paths": {"/told": {"post": told}},
    }


def _heard(name: str, summary: str, form: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": body(form),
        "responses": {
            "200": answer("heard", strict(heard=SHORT)),
            **problems(
                {
                    400: "the message has not the right form",
                    403: "the purpose does not allow it; the attempt was recorded",
                }
            ),
        },
    }


def _corrections() -> dict[str, Any]:
    moment = {"type": ["string", "null"], "format": "date-time"}
    states = {"enum": ["open", "accepted", "declined"]}
    texts = {name: {"type": "string"} for name in ("code", "field", "words")}
    one = strict(**texts, state=states, **dict.fromkeys(("asked", "due", "decided"), moment))
    ask = {
        "operationId": "askForCorrection",
        "summary": "Say for its person that a fact is wrong; the owner decides",
        "requestBody": body(CORRECTION),
        "responses": {"201": answer("asked", one), **REFUSALS},
    }
    asked = {
        "operationId": "correctionsAsked",
        "summary": "What became of what this user said is wrong",
        "responses": {
            "200": answer("asked", strict(corrections={"type": "array", "items": one})),
            **REFUSALS,
        },
    }
    return {"/corrections": {"post": ask}, "/corrections/asked": {"post": asked}}


def _record(register: Register) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: {**field.schema, "title": field.name.get("en", name), "x-personal": field.personal}
            for name, field in register.fields.items()
        },
    }


def _lookup(register: Register) -> dict[str, Any]:
    found = strict(records={"type": "array", "items": _ref()}, read={"type": "string", "format": "uuid"})
    return {
        "operationId": "lookup",
        "summary": "The records a declared look-up finds, of a day and as known then, in the fields the purpose opens",
        "requestBody": body(question(register)),
        "responses": {"200": answer("found; perhaps nothing", found), **REFUSALS},
    }


def _provenance(register: Register) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string"}
    day, moment = ({"type": "string", "format": kind} for kind in ("date", "date-time"))
    grounds = {"oneOf": [strict(purpose=text, basis=text), {"type": "null"}]}
    one = strict(
        version={"type": "integer"}, schema={"type": "integer"}, valid_from=day, valid_until=day, known_from=moment,
        client=text, user=text, case=text, grounds=grounds,
    )  # fmt: skip
    return {
        "operationId": "provenance",
        "summary": "Who wrote each version, in which case, on which basis; null for the owner's own loading",
        "requestBody": body(strict(by=question(register)["properties"]["by"])),
        "responses": {
            "200": answer("found; perhaps nothing", strict(versions={"type": "array", "items": one})),
            **REFUSALS,
        },
    }


def _write(register: Register) -> dict[str, Any]:
    return {
        "operationId": "write",
        "summary": "Write a record, or the next version of the one with the same identity",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "maxLength": 120},
            }
        ],
        "requestBody": body(values(register)),
        "responses": {"201": answer("written", strict(record=_ref())), **REFUSALS},
    }


def _try() -> dict[str, Any]:
    return {
        "operationId": "try",
        "summary": "What would be wrong with a new record, by field; nothing is written",
        "requestBody": body({"type": "object", "minProperties": 1}),
        "responses": {
            "200": answer("tried", strict(faults={"type": "array", "items": {"type": "string"}})),
            **REFUSALS,
        },
    }


def question(register: Register) -> dict[str, Any]:
    """Return the JSON Schema of the body of a look-up."""
    forms = [
        strict(**{name: {"type": "string", "minLength": 1, "maxLength": 200} for name in lookup})
        for lookup in register.lookups.values()
    ]
    fields = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": list(register.fields)}}
    days = {"valid_on": {"type": "string", "format": "date"}, "known_on": {"type": "string", "format": "date-time"}}
    return {**strict(by={"oneOf": forms}, fields=fields, **days), "required": ["by"]}


def values(register: Register) -> dict[str, Any]:
    """Return the JSON Schema of the body of a write: fields that are left out stay as they are."""
    return {**register.schema, "required": [], "minProperties": 1}


def _ref() -> dict[str, str]:
    return {"$ref": "#/components/schemas/Record"}


REFUSALS = problems(
    {
        400: "the question has not the right form",
        403: "the purpose does not allow it; the attempt was recorded",
        404: "this system does not hold the register, or not in this version",
        409: "the key was used for something else, the record changed meanwhile, or this version is closed",
    }
)
