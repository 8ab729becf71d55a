"""What the system that made a sealed read may ask through the exchange: to have it shown later; and the counts."""

import json
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

import jsonschema_rs
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from onedoor.kernel.access import GATEWAY, PUBLIC, access
from onedoor.kernel.errors import BadInput
from onedoor.kernel.openapi import answer, body, problems, strict
from onedoor.kernel.said import said
from onedoor.kernel.text import gettext_noop
from onedoor.privacy import sealing, service
from onedoor.privacy.rules import Reader

QUESTION = strict(
    record={"type": "string", "format": "uuid", "maxLength": 36}, until={"type": "string", "format": "date"}
)
COUNT = strict(
    agency={"type": "string"},
    month={"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"},
    reads={"type": "integer", "minimum": 1},
    postponed={"type": "integer", "minimum": 0},
)
TEXT = {"type": "string"}
WAITING = strict(
    record={"type": "string", "format": "uuid"},
    moment={"type": "string", "format": "date-time"},
    **dict.fromkeys(("user", "purpose", "register", "case"), TEXT),
    until={"type": "string", "format": "date"},
    decided={"type": "boolean"},
)
COUNTS = strict(counts={"type": "array", "items": COUNT})
_question = jsonschema_rs.validator_for(QUESTION, validate_formats=True)
OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": gettext_noop("Sealed reads, for the system that made them"), "version": "1"},
    "paths": {
        "/postpone": {
            "post": {
                "operationId": "postponeSealedRead",
                "summary": "Decide as a second officer that a sealed read is shown later",
                "requestBody": body(QUESTION),
                "responses": {
                    "200": answer("decided; the decision stands in the ledger", strict(entry={"type": "string"})),
                    **problems(
                        {
                            400: "the body has not the right form",
                            403: "the right, the officer or the day does not allow it; the attempt was recorded",
                        }
                    ),
                },
            }
        },
        "/waiting": {
            "post": {
                "operationId": "sealedReadsWaiting",
                "summary": "The asking system’s sealed reads that are not shown yet, to a post that may postpone them",
                "responses": {
                    "200": answer(
                        "the reads, what is shown next first; never of whom",
                        strict(waiting={"type": "array", "maxItems": sealing.MOST, "items": WAITING}),
                    ),
                    **problems({403: "the purpose does not allow it; the attempt was recorded"}),
                },
            }
        },
        "/counts": {
            "post": {
                "operationId": "countsOfSealedReads",
                "summary": "How many sealed reads each agency made at this system, month by month; nothing of anybody",
                "responses": {
                    "200": answer("the counts, the newest month first", COUNTS),
                    **problems({403: "the purpose does not allow it; the attempt was recorded"}),
                },
            }
        },
    },
}
PATHS: dict[str, Any] = {
    "/api/sealed-reads": {
        "get": {
            "operationId": "countSealedReads",
            "summary": "How many sealed reads each agency made at this system, month by month; nothing of anybody",
            "responses": {"200": answer("the counts, the newest month first", COUNTS)},
        }
    }
}


def _admitted(request: HttpRequest) -> Reader:
    return service.admitted(request, sealing.SERVICE)[1]


@access(GATEWAY)
@csrf_exempt
@require_POST
def postpone(request: HttpRequest) -> JsonResponse:
    """Decide that a sealed read is shown later, as the officer who asks; who has decided on it before may not."""
    reader = _admitted(request)
    try:
        asked = json.loads(request.body)
        day = date.fromisoformat(asked["until"]) if _question.is_valid(asked) else None
    except (ValueError, RecursionError) as error:
        raise BadInput(what=said("the body is not JSON, or its day is none")) from error
    if day is None:
        raise BadInput(what=said("the body must be {“record”: …, “until”: …}"))
    return JsonResponse({"entry": sealing.postpone(UUID(asked["record"]), day, reader)})


@access(GATEWAY)
@csrf_exempt
@require_POST
def waiting(request: HttpRequest) -> JsonResponse:
    """Answer the sealed reads of who asks that are not shown yet, to an officer who may postpone them."""
    return JsonResponse({"waiting": [asdict(one) for one in sealing.waiting(_admitted(request))]})


@access(GATEWAY)
@csrf_exempt
@require_POST
def counts_here(request: HttpRequest) -> JsonResponse:
    """Answer the portal how many sealed reads each agency made here, for everybody to see."""
    _admitted(request)
    return _counts()


@access(PUBLIC)
@require_safe
def counts(_request: HttpRequest) -> JsonResponse:
    """Answer to anybody how many sealed reads each agency made here, month by month."""
    return _counts()


def _counts() -> JsonResponse:
    return JsonResponse({"counts": [asdict(one) for one in sealing.counts()]})
