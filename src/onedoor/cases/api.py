"""What other systems send to the service ``cases`` over the exchange: only the own gateway gets in."""

from collections.abc import Callable
from typing import Any

import jsonschema_rs
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from onedoor.cases import intake, outcomes
from onedoor.cases.messages import SCHEMAS
from onedoor.exchange.service import Caller, json_of
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.errors import BadInput
from onedoor.kernel.openapi import answer, body, problems
from onedoor.kernel.said import said
from onedoor.kernel.text import gettext_noop
from onedoor.privacy.service import admitted

SERVICE = "cases"
LONGEST_KEY = 200
SUMMARIES = {
    "hand-over": "A step that the portal gives to its owner",
    "supplement": "The person's answer to a supplement",
    "file": "A part of a file, before the message that it belongs to",
    "end": "The end of a step that no officer has decided yet",
    "outcome": "What came of a step, told to the portal",
}
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
}
ANSWER = {
    "type": "object",
    "properties": {
        "received": {"const": True},
        "task": {"type": "string", "format": "uuid"},
        "state": {"type": "string"},
    },
}
REFUSED = problems(
    {
        400: "the message has not the right form, or is not of the case it was signed for",
        403: "the purpose does not allow it, or the step is another authority's; the attempt was recorded",
        404: "there is no such case or service here",
        409: "not possible any more, or the agency keeps other rules",
    }
)
_VALID = {name: jsonschema_rs.validator_for(schema, validate_formats=True) for name, schema in SCHEMAS.items()}
OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": gettext_noop("Steps of cases between the portal and agencies"), "version": "1"},
    "paths": {
        f"/{name}": {
            "post": {
                "operationId": name.replace("-", "_"),
                "summary": SUMMARIES[name],
                "parameters": [KEY],
                "requestBody": body(schema),
                "responses": {
                    "200": answer("taken in; sent again with the same Idempotency-Key nothing changes", ANSWER),
                    **REFUSED,
                },
            }
        }
        for name, schema in SCHEMAS.items()
    },
}


def _take(request: HttpRequest, name: str, handler: Callable[[Caller, Any], dict[str, Any]]) -> JsonResponse:
    asks, _reader = admitted(request, SERVICE)
    message = json_of(request)
    if not _VALID[name].is_valid(message) or message["case"] != asks.case or not 0 < len(asks.key) <= LONGEST_KEY:
        raise BadInput(what=said("a message “{name}” with the case of X-Road-Issue and an Idempotency-Key", name=name))
    # JSON knows one kind of number: 1.0 is an integer there, and none to the database.
    message |= {key: int(message[key]) for key in ("round", "number", "asked") if key in message}
    return JsonResponse(handler(asks, message))


@access(GATEWAY)
@csrf_exempt
@require_POST
def hand_over(request: HttpRequest) -> JsonResponse:
    """Take in a step that the portal hands over."""
    return _take(request, "hand-over", intake.receive)


@access(GATEWAY)
@csrf_exempt
@require_POST
def supplement(request: HttpRequest) -> JsonResponse:
    """Take in the person's answer to a supplement."""
    return _take(request, "supplement", intake.supplement)


@access(GATEWAY)
@csrf_exempt
@require_POST
def file(request: HttpRequest) -> JsonResponse:
    """Take in a part of a file that belongs to a step."""
    return _take(request, "file", intake.file)


@access(GATEWAY)
@csrf_exempt
@require_POST
def end(request: HttpRequest) -> JsonResponse:
    """End a step that no officer has decided yet."""
    return _take(request, "end", intake.end)


@access(GATEWAY)
@csrf_exempt
@require_POST
def outcome(request: HttpRequest) -> JsonResponse:
    """Take in what came of a step."""
    return _take(request, "outcome", outcomes.receive)
