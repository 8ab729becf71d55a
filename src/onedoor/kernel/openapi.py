"""The parts that the OpenAPI documents of all rooms share: bodies, answers, and errors as problem documents."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Part: TypeAlias = dict[str, Any]
JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
NAMES = "x-name"
"""Extension of ``info``: its title as a map of languages; who reads another language is shown ``title``."""
TEXT: Mapping[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
"""A text in the nation's languages."""
PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "instance"],
    "properties": {
        "type": {"type": "string", "description": "urn:onedoor:error:<name>, see the reference of errors"},
        "title": {"type": "string", "description": "what happened and what to do, in the reader's language"},
        "status": {"type": "integer"},
        "instance": {"type": "string", "description": "urn:onedoor:request:<id>, which the logs know"},
    },
}
"""What every error answers (RFC 9457)."""


def strict(**properties: Any) -> Part:  # noqa: ANN401 - pieces of a JSON Schema
    """Return the JSON Schema of an object that has exactly *properties*."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": dict(properties),
    }


def body(schema: Mapping[str, Any]) -> Part:
    """Return a request body that must be there."""
    return {"required": True, "content": {JSON: {"schema": dict(schema)}}}


def answer(text: str, schema: Mapping[str, Any]) -> Part:
    """Return an answer with a JSON body."""
    return {"description": text, "content": {JSON: {"schema": dict(schema)}}}


def problems(told: Mapping[int, str]) -> Part:
    """Return the answers that are errors, by status: each a problem document."""
    return {
        str(status): {"description": text, "content": {PROBLEM_JSON: {"schema": dict(PROBLEM)}}}
        for status, text in told.items()
    }
