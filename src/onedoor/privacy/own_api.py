"""What a person's portal may ask through the exchange: who read this person's data here, and the proof of a read."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date
from typing import Any
from uuid import UUID

import jsonschema_rs
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from onedoor.exchange.service import json_of
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.errors import BadInput
from onedoor.kernel.openapi import answer, body, problems, strict
from onedoor.kernel.said import said
from onedoor.kernel.text import gettext_noop
from onedoor.privacy import own
from onedoor.privacy.calls import admitted
from onedoor.privacy.own import MOST, Wanted
from onedoor.privacy.rules import LONGEST, Reader

PERSON = {"type": "string", "minLength": 1, "maxLength": 60}
ID = {"type": "string", "format": "uuid", "maxLength": 36}
DAY = {"type": "string", "format": "date"}
WORD = {"type": "string", "pattern": "^[^\\u0000]*$"}
"""The database has no sign for a zero."""
LANGUAGE = WORD | {"maxLength": 8, "description": "the only language whose words are wanted; without it all are"}
QUESTION = {
    "type": "object",
    "required": ["person"],
    "additionalProperties": False,
    "properties": {
        "person": PERSON,
        "before": ID | {"description": "the record before which the page begins, newest first"},
        "most": {"type": "integer", "minimum": 1, "maximum": MOST},
        "agency": WORD | {"maxLength": 60},
        "purpose": WORD | {"maxLength": LONGEST["purpose"]},
        "case": WORD | {"maxLength": LONGEST["case"]},
        "since": DAY,
        "until": DAY,
        "looks": {"type": "boolean", "description": "whether the person's own looks at this list are wanted too"},
        "language": LANGUAGE,
    },
}
ONE = strict(person=PERSON, record=ID)
READ = {"type": "object"}
PROOF = strict(entry=ID, key={"type": "string"}, proof={"type": "string"}, details={"type": "string"})
_question, _one = (jsonschema_rs.validator_for(schema, validate_formats=True) for schema in (QUESTION, ONE))
_REFUSED = problems(
    {
        400: "the body has not the right form",
        403: "the purpose does not allow it, or the read is not one of this person's; the attempt was recorded",
    }
)


def _operation(name: str, summary: str, schema: Mapping[str, Any], told: str, answered: Mapping[str, Any]) -> Any:  # noqa: ANN401
    responses = {"200": answer(told, answered), **_REFUSED}
    return {"post": {"operationId": name, "summary": summary, "requestBody": body(schema), "responses": responses}}


OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": gettext_noop("Who read a person's data, for that person's portal"), "version": "1"},
    "paths": {
        "/of-person": _operation(
            "readsOfPerson",
            "Who read or wrote data of a person at this system, newest first",
            QUESTION,
            "the reads and writes, refused ones too; of each the fields that are this person's own",
            strict(reads={"type": "array", "items": READ}),
        ),
        "/one": _operation("readOfPerson", "One of them", ONE, "the read", strict(read=READ)),
        "/proof": _operation(
            "proofOfRead",
            "The proof that a read stands in this system's ledger",
            ONE,
            "a C2SP tlog-proof, empty while no signed checkpoint covers the read, and what was entered",
            PROOF,
        ),
    },
}


def _asked(request: HttpRequest, valid: jsonschema_rs.Validator) -> tuple[Reader, dict[str, Any]]:
    """Return who asks for what, once the question itself is on record."""
    _asks, reader = admitted(request, own.SERVICE)
    asked = json_of(request)
    if not valid.is_valid(asked) or not _plain(asked):
        raise BadInput(what=said("the body has not the form that openapi.json describes"))
    own.look(reader, asked["person"])
    return reader, asked


def _plain(asked: Mapping[str, Any]) -> bool:
    """Return whether the texts of the question can be looked for, and its days are days that Python knows."""
    if not all(text.isprintable() for text in asked.values() if isinstance(text, str)):
        return False
    try:
        return all(date.fromisoformat(asked[name]).year < date.max.year for name in ("since", "until") if name in asked)
    except ValueError:
        return False


@access(GATEWAY)
@csrf_exempt
@require_POST
def of_person(request: HttpRequest) -> JsonResponse:
    """Answer who read data of the person in the body, newest first; the question is recorded as a read itself."""
    reader, asked = _asked(request, _question)
    person, wanted = asked.pop("person"), Wanted(**asked)
    wanted = replace(wanted, most=int(wanted.most))  # 2.0 is an integer of JSON Schema's
    found = own.reads_of_person(person, wanted, reader.user)
    return JsonResponse({"reads": [view.to_json() for view in found]})


@access(GATEWAY)
@csrf_exempt
@require_POST
def one(request: HttpRequest) -> JsonResponse:
    """Answer one read of the person in the body."""
    reader, asked = _asked(request, _one)
    return JsonResponse({"read": own.one_read(asked["person"], UUID(asked["record"]), reader).to_json()})


@access(GATEWAY)
@csrf_exempt
@require_POST
def proof(request: HttpRequest) -> JsonResponse:
    """Answer the proof of one read of the person in the body; another's is refused and recorded."""
    reader, asked = _asked(request, _one)
    return JsonResponse(asdict(own.proof_of(asked["person"], UUID(asked["record"]), reader)))
