"""The service ``breaches``: notices to the authority, its answers, persons to be told, and the public counts."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import jsonschema_rs
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from onedoor.exchange.service import Caller, json_of
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.errors import BadInput
from onedoor.kernel.openapi import answer, body, problems, strict
from onedoor.kernel.said import said
from onedoor.kernel.settings import current
from onedoor.kernel.text import gettext_noop
from onedoor.privacy import records, service
from onedoor.privacy.breaches import acts, authority, counting, definition, hearing, writing
from onedoor.privacy.breaches.touched import AT_ONCE
from onedoor.privacy.errors import NotPermitted
from onedoor.privacy.rules import READ

ID = {"type": "string", "format": "uuid", "maxLength": 36}
CODE = {"type": "string", "pattern": "^[0-9A-Z-]{1,16}$"}
AGENCY = {"type": "string", "pattern": "^[A-Za-z0-9-]{1,60}$"}
MOMENT = {"type": "string", "format": "date-time", "maxLength": 40}
WORDS = {"type": "string", "maxLength": 4000, "pattern": "^[^\\u0000]*$"}
FIRST_YEAR, LAST_YEAR = 1900, 9000
SAID: Mapping[str, Any] = {
    "type": "object",
    "required": ["what"],
    "additionalProperties": False,
    "properties": {
        **{name: MOMENT if name in ("from", "until") else WORDS for name in acts.NOTICE if name != "kinds"},
        "kinds": {"type": "array", "maxItems": 500, "items": {"type": "string", "pattern": "^[a-z0-9_.-]{1,130}$"}},
    },
    "description": "the notice, or in `what` what is added to it",
}
REPORT = strict(
    code=CODE,
    agency=AGENCY,
    part=ID,
    kind={"enum": ["reported", "supplemented"]},
    found=MOMENT,
    reported=MOMENT,
    said=SAID,
)
ACKNOWLEDGED = strict(code=CODE, acknowledged=MOMENT)
PERSONS = strict(
    code=CODE,
    telling=ID,
    agency=AGENCY,
    words={
        "type": "object",
        "minProperties": 1,
        "maxProperties": 10,
        "propertyNames": {"pattern": "^[a-z]{2}$"},
        "additionalProperties": {**WORDS, "minLength": 1},
    },
    contact=WORDS,
    persons={
        "type": "array",
        "minItems": 1,
        "maxItems": AT_ONCE,
        "uniqueItems": True,
        "items": {"type": "string", "minLength": 1, "maxLength": 60},
    },
)
NUMBER = {"type": "integer", "minimum": 0}
COUNT = strict(agency=AGENCY, month={"type": "string"}, notices=NUMBER, late=NUMBER)
_report, _acknowledged, _persons = (
    jsonschema_rs.validator_for(dict(one), validate_formats=True) for one in (REPORT, ACKNOWLEDGED, PERSONS)
)
_REFUSED = {
    400: "the body has not the right form, or is about an agency of another system",
    403: "the purpose does not allow it; the attempt was recorded",
}


def _post(name: str, summary: str, form: Mapping[str, Any] | None, told: str, answered: Mapping[str, Any]) -> Any:  # noqa: ANN401
    missing = {404: "there is no such notice here"} if form is ACKNOWLEDGED else {}
    responses = {"200": answer(told, answered), **problems(_REFUSED | missing)}
    operation: dict[str, Any] = {"operationId": name, "summary": summary, "responses": responses}
    return {"post": operation | ({"requestBody": body(form)} if form else {})}


OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": gettext_noop("Breaches of personal data: notices, and the persons they touched"), "version": "1"},
    "paths": {
        "/report": _post(
            "reportBreach",
            "Give the authority notice of a breach, or add to one; each part is taken once",
            REPORT,
            "it is there",
            strict(received=MOMENT, late={"type": "boolean"}),
        ),
        "/acknowledged": _post(
            "breachAcknowledged",
            "Tell the system that gave notice that the authority has acknowledged it",
            ACKNOWLEDGED,
            "heard",
            strict(heard=CODE),
        ),
        "/persons": _post(
            "tellPersonsOfBreach",
            "Have the portal tell the persons whom a breach touched, each once for each decision to tell",
            PERSONS,
            "how many have an account there, and how many have none",
            strict(reached=NUMBER, missed=NUMBER),
        ),
        "/counts": _post(
            "countsOfBreaches",
            "How many notices each agency of this system gave, month by month; nothing of anybody",
            None,
            "the counts, the newest month first",
            strict(counts={"type": "array", "items": COUNT}),
        ),
    },
}


@access(GATEWAY)
@csrf_exempt
@require_POST
def report(request: HttpRequest) -> JsonResponse:
    """Take a notice of a breach, or what is added to one, at the authority's system."""
    asks, body = _asked(request, _report)
    duty = definition.duty()
    if duty is None or current().subsystem not in ("", duty.authority):
        raise _refused(asks)
    _timed(body["said"], *({"from", "until"} & body["said"].keys()))
    row = authority.receive(asks.client, asks.user, _timed(body, "found", "reported"))
    return JsonResponse({"received": row.received.isoformat(), "late": authority.is_late(row)})


@access(GATEWAY)
@csrf_exempt
@require_POST
def acknowledged(request: HttpRequest) -> JsonResponse:
    """Hear from the authority that a notice of this system's is acknowledged."""
    asks, body = _asked(request, _acknowledged)
    duty = definition.duty()
    if duty is None or asks.client != duty.authority:
        raise _refused(asks)
    moment = datetime.fromisoformat(_timed(body, "acknowledged")["acknowledged"])
    writing.acknowledged(body["code"], current().subsystem, asks.user, moment)
    return JsonResponse({"heard": body["code"]})


@access(GATEWAY)
@csrf_exempt
@require_POST
def persons(request: HttpRequest) -> JsonResponse:
    """Have the persons in the body told of a breach, those of them who have an account at this portal."""
    asks, body = _asked(request, _persons)
    if current().subsystem not in ("", definition.portal()):
        raise _refused(asks)
    # Who has an account here is learnt by it: each of them sees that, and who asked.
    records.allowed(service.reader_of(asks), definition.SERVICE, READ, (), body["persons"])
    return JsonResponse(hearing.hear(asks.client, asks.user, body))


@access(GATEWAY)
@csrf_exempt
@require_POST
def counts(request: HttpRequest) -> JsonResponse:
    """Answer how many notices each agency of this system gave, for everybody to see."""
    service.admitted(request, definition.SERVICE)
    return JsonResponse({"counts": [asdict(one) for one in counting.here()]})


def _asked(request: HttpRequest, form: jsonschema_rs.Validator) -> tuple[Caller, dict[str, Any]]:
    """Return who asks, which they may, and what."""
    asks, _reader = service.admitted(request, definition.SERVICE)
    body = json_of(request)
    if not form.is_valid(body):
        raise BadInput(what=said("the body has not the form that openapi.json describes"))
    return asks, body


def _timed(body: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return *body*, whose moments are ones that Python and a calendar know; raise `BadInput`."""
    try:
        years = [datetime.fromisoformat(body[name]).year for name in names]
    except ValueError as error:
        raise BadInput(what=said("a moment in it is none")) from error
    if not all(FIRST_YEAR <= year <= LAST_YEAR for year in years):
        raise BadInput(what=said("a moment in it is too far away"))
    return body


def _refused(asks: Caller) -> NotPermitted:
    records.refused(service.reader_of(asks), definition.SERVICE, "call", (), "not-granted", ())
    return NotPermitted(reason="not-granted", register=definition.SERVICE)
