"""What the holder of a register may ask through the exchange: whether persons agree to a purpose, as it is now."""

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
from onedoor.privacy import records, service
from onedoor.privacy.consents import decisions
from onedoor.privacy.rules import CONSENTS, LONGEST, MOST_ASKED, READ

PERSON = {"type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[^\\u0000]*$"}
QUESTION = strict(
    purpose={"type": "string", "maxLength": LONGEST["purpose"]},
    persons={"type": "array", "minItems": 1, "maxItems": MOST_ASKED, "items": PERSON},
)
AGREED = strict(agreed={"type": "array", "items": {"type": "boolean"}})
_question = jsonschema_rs.validator_for(QUESTION)
OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": gettext_noop("Consents, for who holds data that are read on consent"), "version": "1"},
    "paths": {
        "/agreed": {
            "post": {
                "operationId": "whoAgreed",
                "summary": "Whether persons agree to what a purpose asks today",
                "requestBody": body(QUESTION),
                "responses": {
                    "200": answer("for each person, in order; who never said anything has not agreed", AGREED),
                    **problems(
                        {
                            400: "the body has not the right form",
                            403: "the question was not asked for that purpose, or may not be; the attempt was recorded",
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
def agreed(request: HttpRequest) -> JsonResponse:
    """Answer whether the persons in the body agree to the purpose for which this is asked, once that is on record."""
    asks, reader = service.admitted(request, CONSENTS)
    asked = json_of(request)
    if not _question.is_valid(asked):
        raise BadInput(what=said("the body must be {“purpose”: …, “persons”: […]}"))
    if asked["purpose"] != asks.purpose:
        records.refused(reader, CONSENTS, READ, (), "not-granted", asked["persons"])
        raise service.NotPermitted(reason="not-granted", register=CONSENTS)
    records.allowed(reader, CONSENTS, READ, (), asked["persons"])
    return JsonResponse({"agreed": decisions.agreed(asked["purpose"], asked["persons"])})
