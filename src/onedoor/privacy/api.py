"""What other systems may ask through the exchange: the reads of one's own case."""

from typing import Any

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
from onedoor.privacy import service
from onedoor.privacy.own import MOST
from onedoor.privacy.own_api import ID, LANGUAGE

SERVICE = "reads"
QUESTION = {
    "type": "object",
    "required": ["case"],
    "additionalProperties": False,
    "properties": {
        "case": {"type": "string", "minLength": 1, "maxLength": 40},
        "most": {"type": "integer", "minimum": 1, "maximum": MOST, "description": "the newest of them, newest first"},
        "before": ID | {"description": "with most: the record before which the page begins"},
        "language": LANGUAGE,
    },
    "dependentRequired": {"before": ["most"], "language": ["most"]},
}
READS = {"type": "array", "items": {"type": "object"}}
_question = jsonschema_rs.validator_for(QUESTION, validate_formats=True)
OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": gettext_noop("Reads of one's own case"), "version": "1"},
    "paths": {
        "/of-case": {
            "post": {
                "operationId": "readsOfCase",
                "summary": "Who read or wrote what for a case at this system",
                "requestBody": body(QUESTION),
                "responses": {
                    "200": answer("the reads and writes, refused ones too", strict(reads=READS)),
                    **problems(
                        {
                            400: "the body has not the right form, or names another case than the message",
                            403: "the purpose does not allow it; the attempt was recorded",
                        }
                    ),
                },
            }
        }
    },
}


@access(GATEWAY)
@csrf_exempt
@require_POST
def of_case(request: HttpRequest) -> JsonResponse:
    """Answer the reads of the case in the body; the case must be the one the message itself was signed for."""
    asks, _reader = service.admitted(request, SERVICE)
    asked = json_of(request)
    if not _question.is_valid(asked) or asked["case"] != asks.case:
        raise BadInput(what=said("the body must be {“case”: …} with the case of the message (X-Road-Issue)"))
    del asked["case"]
    if "most" in asked:
        asked["most"] = int(asked["most"])  # 2.0 is an integer of JSON Schema's
    found = service.newest_of_case(asks.case, **asked) if asked else service.reads_of_case(asks.case)
    return JsonResponse({"reads": [view.to_json() for view in found]})
