"""What other systems may ask: say that a fact is wrong, know what became of it, tell of a corrected one."""

from http import HTTPStatus
from typing import Any

import jsonschema_rs
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from onedoor.exchange.service import Caller, caller
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.said import said
from onedoor.privacy.service import admitted, reader_of
from onedoor.registers import api, corrections, openapi, telling
from onedoor.registers.errors import BadQuestion
from onedoor.registers.models import Correction

_asked = jsonschema_rs.validator_for(dict(openapi.CORRECTION))
_told = jsonschema_rs.validator_for(dict(openapi.TOLD), validate_formats=True)
_late = jsonschema_rs.validator_for(dict(openapi.LATE), validate_formats=True)
_answered = jsonschema_rs.validator_for(dict(openapi.ANSWERED), validate_formats=True)


@access(GATEWAY)
@csrf_exempt
@require_POST
def ask(request: HttpRequest, register: str) -> JsonResponse:
    """Take a person's word that a fact is wrong, once for the same Idempotency-Key."""
    asks = caller(request)
    body = _body(request, _asked, "{“by”: {…}, “field”, “value”, “why”}")
    said = corrections.Request(body["by"], body["field"], body["value"], body["why"])
    correction = corrections.ask(register, said, reader=reader_of(asks), key=api.key_of(asks))
    return JsonResponse(_plain(correction), status=HTTPStatus.CREATED)


@access(GATEWAY)
@csrf_exempt
@require_POST
def asked(request: HttpRequest, register: str) -> JsonResponse:
    """Answer what became of everything the asking user said is wrong in the register."""
    found = corrections.asked_by(register, reader=reader_of(caller(request)))
    return JsonResponse({"corrections": [_plain(one) for one in found]})


@access(GATEWAY)
@csrf_exempt
@require_POST
def told(request: HttpRequest) -> JsonResponse:
    """Hear that a fact this system has read was corrected."""
    asks, body = _heard(request, _told, "{“code”, “register”, “field”, “reads”: […], “cases”: […]}")
    telling.hear(asks.client, telling.told_by(asks.client, asks.user, body))
    return JsonResponse({"heard": body["code"]})


@access(GATEWAY)
@csrf_exempt
@require_POST
def answered(request: HttpRequest) -> JsonResponse:
    """Hear that a correction which a person of this system asked for was decided."""
    asks, body = _heard(request, _answered, "{“code”, “register”, “field”, “account”, “accepted”}")
    telling.hear_answer(asks.client, asks.user, body)
    return JsonResponse({"heard": body["code"]})


@access(GATEWAY)
@csrf_exempt
@require_POST
def late(request: HttpRequest) -> JsonResponse:
    """Hear that a correction which a person of this system asked for is not decided in time."""
    asks, body = _heard(request, _late, "{“code”, “register”, “field”, “account”, “due”}")
    telling.hear_late(asks.client, asks.user, body)
    return JsonResponse({"heard": body["code"]})


def _heard(request: HttpRequest, form: jsonschema_rs.Validator, what: str) -> tuple[Caller, dict[str, Any]]:
    """Return who tells this system something, which they may, and what."""
    asks, _reader = admitted(request, telling.SERVICE)
    return asks, _body(request, form, what)


def _body(request: HttpRequest, form: jsonschema_rs.Validator, what: str) -> dict[str, Any]:
    body = api.body_of(request)
    if not form.is_valid(body):
        raise BadQuestion(what=said("the body must be {what}; see openapi.json", what=what))
    return body


def _plain(correction: Correction) -> dict[str, Any]:
    return {
        "code": correction.code,
        "field": correction.field,
        "state": correction.state,
        "asked": correction.asked.isoformat(),
        "due": correction.due.isoformat(),
        "decided": correction.decided.isoformat() if correction.decided else None,
        "words": corrections.read(correction).get("words", ""),
    }
