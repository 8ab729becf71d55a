"""What a person's portal may ask through the exchange: what the registers of this system hold about them."""

from dataclasses import asdict
from typing import Any

import jsonschema_rs
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from onedoor.exchange.service import caller
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.openapi import answer, body, problems, strict
from onedoor.kernel.said import said
from onedoor.kernel.text import gettext_noop
from onedoor.privacy.service import reader_of
from onedoor.registers import api, own_data
from onedoor.registers.errors import BadQuestion

QUESTION = strict(person={"type": "string", "minLength": 1, "maxLength": 60})
HOLDING = strict(
    register={"type": "string"},
    records={"type": "array", "maxItems": own_data.MOST, "items": {"type": "object"}},
    read={"type": "string", "format": "uuid"},
    more={"type": "boolean", "description": "whether there are more records than these"},
)
HOLDINGS = strict(registers={"type": "array", "items": HOLDING})
_question = jsonschema_rs.validator_for(QUESTION)
OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": gettext_noop("What a system holds about a person, for that person's portal"), "version": "1"},
    "paths": {
        "/of-person": {
            "post": {
                "operationId": "dataOfPerson",
                "summary": "What each register here holds about a person: of every record what is theirs to know",
                "requestBody": body(QUESTION),
                "responses": {
                    "200": answer("by register, perhaps nothing", HOLDINGS),
                    **problems(
                        {
                            400: "the body has not the right form",
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
def of_person(request: HttpRequest) -> JsonResponse:
    """Answer what every register here holds about the person in the body, each once its read is on record."""
    reader = reader_of(caller(request))
    asked = api.body_of(request)
    if not _question.is_valid(asked) or not asked["person"].isprintable():
        raise BadQuestion(what=said("the body must be {“person”: …}"))
    return JsonResponse({"registers": [asdict(one) for one in own_data.of_person(asked["person"], reader=reader)]})
