"""What other systems may ask through the exchange: the reads of one's own case."""

import json
from typing import Any

import jsonschema_rs
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from onedoor.exchange.service import caller
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.errors import BadInput
from onedoor.kernel.settings import current
from onedoor.privacy import service

SERVICE = "reads"
QUESTION = {
    "type": "object",
    "required": ["case"],
    "additionalProperties": False,
    "properties": {"case": {"type": "string", "minLength": 1, "maxLength": 40}},
}
_question = jsonschema_rs.validator_for(QUESTION)
OPENAPI: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Reads of one's own case", "version": "1"},
    "paths": {
        "/of-case": {
            "post": {
                "operationId": "readsOfCase",
                "requestBody": {"required": True, "content": {"application/json": {"schema": QUESTION}}},
                "responses": {
                    "200": {
                        "description": "who read or wrote what for this case at this system",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {"reads": {"type": "array", "items": {"type": "object"}}},
                                }
                            }
                        },
                    },
                    "403": {"description": "the purpose does not allow it"},
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
    asks = caller(request)
    reader = service.Reader(asks.client, asks.user, asks.purpose, asks.basis, asks.case)
    service.permit_call(reader, service=SERVICE, provider=current().subsystem)
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise BadInput(what="the body is not JSON") from error
    if not _question.is_valid(body) or body["case"] != asks.case:
        raise BadInput(what="the body must be {“case”: …} with the case of the message (X-Road-Issue)")
    return JsonResponse({"reads": [view.to_json() for view in service.reads_of_case(asks.case)]})


@access(GATEWAY)
@require_GET
def openapi(_request: HttpRequest) -> JsonResponse:
    """Answer the description of this service."""
    return JsonResponse(OPENAPI)
