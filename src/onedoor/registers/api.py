"""What other systems may ask through the exchange: look up and write, by POST, never a number in an address."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any

import jsonschema_rs
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from onedoor.exchange.service import Caller, caller
from onedoor.kernel import nation
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.said import said, spoken
from onedoor.privacy.service import reader_of
from onedoor.registers import openapi, service
from onedoor.registers.definition import Register, register_of, to_read, to_write
from onedoor.registers.errors import BadQuestion

LONGEST_KEY = 120
FORM = said(
    "the body is {“by”: {…}} with the values of one declared look-up, and perhaps “fields”: […], “valid_on” (a day), "
    "“known_on” (a moment with its time zone); see openapi.json"
)
OF_VERSIONS = said("the body must be {what}; see openapi.json", what="{“by”: {…}}")


@access(GATEWAY)
@csrf_exempt
@require_POST
def lookup(request: HttpRequest, register: str, version: int | None = None) -> JsonResponse:
    """Answer the records that a declared look-up finds, once the read is on record."""
    asks = caller(request)
    definition = to_read(register, version)
    body = body_of(request)
    if isinstance(body.get("by"), Mapping):
        definition.lookup_of(body["by"])
    if not _question(definition).is_valid(body):
        raise BadQuestion(what=FORM)
    with service.looking_up(
        register,
        body["by"],
        reader=reader_of(asks),
        wanted=body.get("fields"),
        valid_on=_day(body["valid_on"]) if "valid_on" in body else None,
        known_on=_moment(body["known_on"]) if "known_on" in body else None,
        version=version,
    ) as found:
        return JsonResponse({"records": found.records, "read": found.record})


@access(GATEWAY)
@csrf_exempt
@require_POST
def provenance(request: HttpRequest, register: str) -> JsonResponse:
    """Answer who wrote each version of the records that a declared look-up finds, in which case, on which basis."""
    asks, definition = caller(request), to_read(register, None)
    body = body_of(request)
    if set(body) != {"by"} or not _question(definition).is_valid(body):
        raise BadQuestion(what=OF_VERSIONS)
    found = service.provenance(register, body["by"], reader=reader_of(asks))
    return JsonResponse({"versions": [_told(one) for one in found]})


def _told(one: service.Provenance) -> dict[str, Any]:
    days = {"valid_from": one.valid_from, "valid_until": one.valid_until, "known_from": one.known_from}
    grounds = {"purpose": one.grounds.purpose, "basis": one.grounds.basis} if one.grounds else None
    return {"version": one.version, "schema": one.schema, **days} | {
        "client": one.client, "user": one.user, "case": one.case, "grounds": grounds
    }  # fmt: skip


@access(GATEWAY)
@csrf_exempt
@require_POST
def records(request: HttpRequest, register: str, version: int | None = None) -> JsonResponse:
    """Write the record in the body, once for the same Idempotency-Key."""
    asks = caller(request)
    definition = to_write(register, version)
    record = service.write(
        definition.id, body_of(request), reader=reader_of(asks), key=key_of(asks), version=definition.version
    )
    return JsonResponse({"record": record}, status=HTTPStatus.CREATED)


@access(GATEWAY)
@csrf_exempt
@require_POST
def trial(request: HttpRequest, register: str, version: int) -> JsonResponse:
    """Answer what would be wrong with the record in the body; nothing is written, so a draft may be tried."""
    reader = reader_of(caller(request))
    faults = service.try_out(register, body_of(request), reader=reader, version=version)
    return JsonResponse({"faults": [spoken(one, gettext) for one in faults]})


@access(GATEWAY)
@require_GET
def description(_request: HttpRequest, register: str, version: int | None = None) -> JsonResponse:
    """Answer the OpenAPI document of the register, or of the version in the address."""
    definition = register_of(register, version)
    return JsonResponse(openapi.document(definition) if version is None else openapi.of_version(definition))


def body_of(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object in the body; raise `BadQuestion` for another one, or one that cannot be stored.

    JSON can escape half a sign, which no UTF-8 has, and a sign that the database does not know.
    """
    try:
        body = json.loads(request.body)
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadQuestion(what=said("the body is not JSON in UTF-8")) from error
    if not isinstance(body, dict) or not body or b"\\u0000" in request.body:
        raise BadQuestion(what=said("the body must be an object with values, without the sign \\u0000"))
    return body


def _day(text: str) -> date:
    """Return the day *text* names; RFC 3339 knows a year 0."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadQuestion(what=FORM) from error


def _moment(text: str) -> datetime:
    """Return the moment *text* names in UTC: the database does not know every offset.

    RFC 3339 knows moments, such as leap seconds, that no clock of ours shows.
    """
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadQuestion(what=FORM) from error


def _question(register: Register) -> jsonschema_rs.Validator:
    """Return what holds the body of a look-up against its form; made once for each version in each nation."""
    known = nation.current().once(_questions)
    key = (register.id, register.version)
    if key not in known:
        known[key] = jsonschema_rs.validator_for(openapi.question(register), validate_formats=True)
    return known[key]


def _questions(_country: nation.Nation) -> dict[tuple[str, int], jsonschema_rs.Validator]:
    return {}


def key_of(asks: Caller) -> str:
    """Return the key of what is to be done once; raise `BadQuestion` without one."""
    if not asks.key or len(asks.key) > LONGEST_KEY:
        raise BadQuestion(what=said("a write needs an Idempotency-Key of at most {most} signs", most=LONGEST_KEY))
    return asks.key
