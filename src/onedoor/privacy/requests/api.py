"""What other systems may ask through the exchange: take a person's request, answer what became of it, take it back."""

from datetime import date, datetime
from http import HTTPStatus
from typing import Any

import jsonschema_rs
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from onedoor.exchange.service import json_of
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.openapi import answer, body, problems, strict
from onedoor.kernel.said import said
from onedoor.kernel.text import gettext_noop
from onedoor.privacy import service
from onedoor.privacy.requests import keeping, sealing, steps, telling
from onedoor.privacy.requests.definition import ASKED
from onedoor.privacy.requests.errors import BadRequest
from onedoor.privacy.requests.keeping import SERVICE, Wanted
from onedoor.privacy.requests.models import PersonRequest
from onedoor.privacy.rules import LONGEST

LONGEST_KEY, LONGEST_WORDS, LONGEST_CODE = 120, 2000, 16
MOMENT = {"type": "string", "format": "date-time"}
CODE = {"type": "string", "minLength": 1, "maxLength": LONGEST_CODE}
RIGHT = {"enum": list(ASKED)}
STATES = [PersonRequest.OPEN, PersonRequest.GRANTED, PersonRequest.REFUSED, PersonRequest.LIFTED]
PERSON = {"type": "string", "minLength": 1, "maxLength": 60}
QUESTION = strict(
    person=PERSON,
    right=RIGHT,
    purpose={"type": "string", "maxLength": LONGEST["purpose"], "description": "against which one objects; else empty"},
    words={"type": "string", "minLength": 1, "maxLength": LONGEST_WORDS},
)
MINE = strict(person=PERSON)
LIFT = strict(person=PERSON, code=CODE)
TOLD = strict(
    code=CODE,
    right=RIGHT,
    step={"enum": [steps.ASKED, steps.EXTENDED, steps.GRANTED, steps.REFUSED]},
    account={"type": "string", "format": "uuid"},
    due=MOMENT,
    complete_on={"type": ["string", "null"], "format": "date"},
)
REQUEST = strict(
    code=CODE,
    right=RIGHT,
    purpose={"type": "string"},
    state={"enum": STATES},
    asked=MOMENT,
    due=MOMENT,
    extended={"type": "boolean"},
    complete_on={"type": ["string", "null"], "format": "date"},
    article={"type": "string"},
    answer={"type": "string"},
    reason={"type": "string"},
)
HEARD = strict(heard=CODE)
_REFUSED = {
    400: "the body has not the right form",
    403: "the purpose does not allow it; the attempt was recorded",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
}
OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": gettext_noop("Requests of persons about their own data"), "version": "1"},
    "paths": {
        "/ask": {
            "post": {
                "operationId": "askOfPerson",
                "summary": "Ask for a person to restrict, object or erase, once for the same key",
                "parameters": [_KEY],
                "requestBody": body(QUESTION),
                "responses": {
                    "201": answer("taken, acknowledged with its due moment", REQUEST),
                    **problems({**_REFUSED, 409: "the key was used for something else"}),
                },
            }
        },
        "/asked": {
            "post": {
                "operationId": "askedOfPerson",
                "summary": "What became of everything that this user’s person asked",
                "requestBody": body(MINE),
                "responses": {
                    "200": answer("asked", strict(requests={"type": "array", "items": REQUEST})),
                    **problems(_REFUSED),
                },
            }
        },
        "/lift": {
            "post": {
                "operationId": "liftOfPerson",
                "summary": "Take back what this user’s person asked; what it stopped goes on with the next read",
                "requestBody": body(LIFT),
                "responses": {
                    "200": answer("taken back", REQUEST),
                    **problems(
                        {**_REFUSED, 404: "this person asked no such thing", 409: "it was refused, or carried out"}
                    ),
                },
            }
        },
        "/told": {
            "post": {
                "operationId": "toldOfPerson",
                "summary": "Hear that a request which a person of this system asked took a step",
                "requestBody": body(TOLD),
                "responses": {"200": answer("heard", HEARD), **problems(_REFUSED)},
            }
        },
    },
}
_question, _mine, _lift, _told = (
    jsonschema_rs.validator_for(one, validate_formats=True) for one in (QUESTION, MINE, LIFT, TOLD)
)


@access(GATEWAY)
@csrf_exempt
@require_POST
def ask(request: HttpRequest) -> JsonResponse:
    """Take a person's request, once for the same Idempotency-Key."""
    asks, reader = service.admitted(request, SERVICE)
    body = _body(request, _question)
    if not asks.key or len(asks.key) > LONGEST_KEY:
        raise BadRequest(what=said("it needs an Idempotency-Key of at most {most} signs", most=LONGEST_KEY))
    taken = keeping.ask(Wanted(**body), reader=reader, key=asks.key)
    return JsonResponse(_plain(taken), status=HTTPStatus.CREATED)


@access(GATEWAY)
@csrf_exempt
@require_POST
def asked(request: HttpRequest) -> JsonResponse:
    """Answer what became of everything that the asking user's person asked here."""
    _asks, reader = service.admitted(request, SERVICE)
    found = keeping.asked_by(reader, _body(request, _mine)["person"])
    return JsonResponse({"requests": [_plain(one) for one in found]})


@access(GATEWAY)
@csrf_exempt
@require_POST
def lift(request: HttpRequest) -> JsonResponse:
    """Take back a request of the asking user's person."""
    _asks, reader = service.admitted(request, SERVICE)
    said = _body(request, _lift)
    return JsonResponse(_plain(keeping.lift(said["code"], reader, said["person"])))


@access(GATEWAY)
@csrf_exempt
@require_POST
def told(request: HttpRequest) -> JsonResponse:
    """Hear that a request which a person of this system asked took a step."""
    asks, _reader = service.admitted(request, SERVICE)
    body = _body(request, _told)
    try:
        datetime.fromisoformat(body["due"])
        date.fromisoformat(body["complete_on"] or "2026-01-01")
    except ValueError as error:
        raise BadRequest(what=said("its moment or day is none")) from error
    telling.hear(asks.client, body)
    return JsonResponse({"heard": body["code"]})


def _body(request: HttpRequest, form: jsonschema_rs.Validator) -> dict[str, Any]:
    body: dict[str, Any] = json_of(request)
    if not form.is_valid(body) or b"\\u0000" in request.body:
        raise BadRequest(what=said("the body has not the form that openapi.json describes"))
    return body


def _plain(request: PersonRequest) -> dict[str, Any]:
    said = sealing.opened(request)
    return {
        "code": request.code,
        "right": request.right,
        "purpose": request.purpose,
        "state": request.state,
        "asked": request.asked.isoformat(),
        "due": request.due.isoformat(),
        "extended": request.extended,
        "complete_on": request.complete_on.isoformat() if request.complete_on else None,
        **{name: said.get(name, "") for name in ("article", "answer", "reason")},
    }
