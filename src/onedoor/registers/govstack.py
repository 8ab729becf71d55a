"""The GovStack digital-registries API, version 1.3.0, over the registers of this system: below ``/exchange/data/``.

A ``versionNumber`` is a schema version. Words of paths may be written ``updateEntries`` or ``update-entries``.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from onedoor.exchange.service import Caller, caller
from onedoor.kernel import nation
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.said import said
from onedoor.kernel.settings import current
from onedoor.kernel.text import pick
from onedoor.privacy import service as privacy
from onedoor.privacy.service import reader_of
from onedoor.registers import entries, govstack_openapi
from onedoor.registers.api import LONGEST_KEY, body_of
from onedoor.registers.definition import held, register_of, to_read
from onedoor.registers.entries import Wish
from onedoor.registers.errors import BadQuestion, NoSuchRecord

SERVICE = "data"
CLIENT = "Information-Mediator-Client"
PAGE_SIZE, MOST, PAGES = 10, govstack_openapi.MOST_ON_A_PAGE, 10**6
LONGEST_VALUE = 200
ROOM = LONGEST_KEY - 40
"""Signs of a key; behind it stands the id of each record that is written."""
NO_RECORD = {"detail": "no record found"}
_query = jsonschema_rs.validator_for(govstack_openapi.QUERY)
_write = jsonschema_rs.validator_for(govstack_openapi.writes(query=False))
_change = jsonschema_rs.validator_for(govstack_openapi.writes(query=True))


@access(GATEWAY)
@require_GET
def listed(request: HttpRequest, register: str, version: int) -> JsonResponse:
    """Answer a page of the records that the values of one declared look-up find."""
    by = _by(request.GET.dict())
    found = entries.find(_wish(request, register, version), _looked_up(register, version, by))
    if _one_of(request.GET, "ordering", ("ascending", "descending")) == "descending":
        found.reverse()
    page, size = _number(request.GET, "page", 1, PAGES), _number(request.GET, "pageSize", PAGE_SIZE, MOST)
    shown: dict[str, Any] = {"count": len(found), "results": found[(page - 1) * size : page * size]}
    if page * size < len(found):
        shown["next"] = _address(request, register, version, page + 1)
    if page > 1:
        shown["previous"] = _address(request, register, version, page - 1)
    return JsonResponse(shown)


@access(GATEWAY)
@csrf_exempt
@require_POST
def create(request: HttpRequest, register: str, version: int) -> JsonResponse:
    """Write a new record, once for its key."""
    values = _body(request, _write)["write"]["content"]
    return JsonResponse({"content": entries.create(_wish(request, register, version, once=True), values)})


@access(GATEWAY)
@csrf_exempt
@require_POST
def exists(request: HttpRequest, register: str, version: int) -> JsonResponse:
    """Answer whether a declared look-up finds a record."""
    by = _looked_up(register, version, _body(request, _query)["query"]["content"])
    found = entries.exists(_wish(request, register, version), by)
    message = "Object found from database" if found else "Object not found from database"
    return JsonResponse({"answer": {"status": found, "message": message}})


@access(GATEWAY)
@csrf_exempt
@require_POST
def read(request: HttpRequest, register: str, version: int) -> JsonResponse:
    """Answer the one record that a declared look-up finds, once the read is on record."""
    by = _looked_up(register, version, _body(request, _query)["query"]["content"])
    try:
        return JsonResponse({"content": entries.one(_wish(request, register, version), by)})
    except NoSuchRecord:
        return JsonResponse(NO_RECORD, status=HTTPStatus.NOT_FOUND)


@access(GATEWAY)
@csrf_exempt
@require_http_methods(["PUT"])
def update(request: HttpRequest, register: str, version: int) -> HttpResponse:
    """Write the next version of the one record that is found."""
    return _updated(request, register, version, many=False)


@access(GATEWAY)
@csrf_exempt
@require_http_methods(["PUT"])
def update_entries(request: HttpRequest, register: str, version: int) -> HttpResponse:
    """Write the next version of every record that is found, of all or of none."""
    return _updated(request, register, version, many=True)


def _updated(request: HttpRequest, register: str, version: int, *, many: bool) -> HttpResponse:
    by, values = _changes(request, register, version)
    try:
        entries.update(_wish(request, register, version, once=True), by, values, many=many)
    except NoSuchRecord:
        return JsonResponse(NO_RECORD, status=HTTPStatus.NOT_FOUND)
    return HttpResponse()


@access(GATEWAY)
@csrf_exempt
@require_POST
def update_or_create(request: HttpRequest, register: str, version: int) -> JsonResponse:
    """Write the next version of the record that is found, or a new one."""
    by, values = _changes(request, register, version)
    wish = _wish(request, register, version, once=True)
    return JsonResponse({"content": entries.update_or_create(wish, by, values)})


@access(GATEWAY)
@csrf_exempt
@require_http_methods(["DELETE"])
def delete(request: HttpRequest, register: str, version: int, name: str) -> HttpResponse:
    """Have the record hold no more from today on; nothing is destroyed."""
    try:
        entries.end(_wish(request, register, version, once=True), name)
    except NoSuchRecord:
        return JsonResponse(NO_RECORD, status=HTTPStatus.NOT_FOUND)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@access(GATEWAY)
@require_GET
def read_value(request: HttpRequest, register: str, version: int, name: str, field: str, ext: str) -> JsonResponse:
    """Answer one field of one record, once the read is on record."""
    if ext != "json" or field not in to_read(register, version).fields:
        raise BadQuestion(what=said("the address ends with a field of the register and .json"))
    try:
        found = entries.one(_wish(request, register, version), {entries.ID: name}, [field])
    except NoSuchRecord:
        return JsonResponse(NO_RECORD, status=HTTPStatus.NOT_FOUND)
    return JsonResponse({} if found[field] is None else {"value": found[field]})


@access(GATEWAY)
@require_GET
def personal_data_usage(request: HttpRequest) -> JsonResponse:
    """Answer who has read data of a person in a register of this system, newest first, once the look is on record."""
    reader = reader_of(_caller(request))
    privacy.permit_call(reader, service=SERVICE, provider=current().subsystem)
    person, register = (request.GET.get(name, "") for name in ("userId", "databaseId"))
    if not person or not nation.current().person_number.fits(person):
        raise BadQuestion(what=said("userId is a personal number"))
    known = register_of(register).id
    privacy.look(reader, person)
    used = privacy.readers_of(person, register=known)
    return JsonResponse([_use(system, view) for system, view in used], safe=False)


def document() -> dict[str, Any]:
    """Return the OpenAPI document of this service over the registers held here."""
    return govstack_openapi.document(held().values())


def _use(system: str, view: privacy.ReadView) -> dict[str, Any]:
    return {
        "id": view.record,
        "readerId": view.by_user,
        "readerInstitutionId": view.by_agency,
        "readerInstitutionName": pick(view.agency_text, get_language() or "en"),
        "readerApplicationName": system,
        "searchDateTime": view.moment.isoformat(),
        "refrences": [{"ReferenceID": view.case}] if view.case else [],
    }


def _caller(request: HttpRequest) -> Caller:
    """Return who asks; the specification has them say so in a header, which cannot name anybody else."""
    asks = caller(request)
    if request.headers.get(CLIENT, "").casefold() != asks.client.casefold():
        raise BadQuestion(
            what=said("the header {header} names the system that asks, INSTANCE/CLASS/MEMBER/SUBSYSTEM", header=CLIENT)
        )
    return asks


def _wish(request: HttpRequest, register: str, version: int, *, once: bool = False) -> Wish:
    """Return what is asked for; what is to be done *once* has the key of the request, or the id of its message."""
    asks = _caller(request)
    key = (asks.key or asks.message_id) if once else ""
    if once and not 0 < len(key) <= ROOM:
        raise BadQuestion(what=said("a write needs an Idempotency-Key of at most {most} signs", most=ROOM))
    return Wish(register, version, reader_of(asks), key)


def _body(request: HttpRequest, form: jsonschema_rs.Validator) -> dict[str, Any]:
    body = body_of(request)
    if not form.is_valid(body):
        raise BadQuestion(
            what=said("the body is {“query”: {“content”: {…}}, “write”: {“content”: {…}}}; see openapi.json")
        )
    return body


def _changes(request: HttpRequest, register: str, version: int) -> tuple[dict[str, str] | None, dict[str, Any]]:
    """Return by what to find the record, if the body says so, and the values to write."""
    body = _body(request, _change)
    by = _looked_up(register, version, body["query"]["content"]) if "query" in body else None
    return by, body["write"]["content"]


def _looked_up(register: str, version: int, content: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of one declared look-up, or an id, that *content* holds; raise `BadQuestion`."""
    if set(content) != {entries.ID}:
        to_read(register, version).lookup_of(content)
    if not all(isinstance(value, str) and 0 < len(value) <= LONGEST_VALUE for value in content.values()):
        raise BadQuestion(what=said("what is looked up by is a text of at most {most} signs", most=LONGEST_VALUE))
    return dict(content)


def _by(asked: Mapping[str, str]) -> dict[str, str]:
    """Return by what the parameters of an address look up; raise `BadQuestion` for what says no value."""
    by = {name.removeprefix("query."): value for name, value in asked.items() if name.startswith("query.")}
    if ("search" in asked) != ("filter" in asked):
        raise BadQuestion(
            what=said("“search” is a value of the look-up that “filter” names: write both; there is no regex")
        )
    if "search" in asked:
        by[asked["filter"]] = asked["search"]
    if not by:
        raise BadQuestion(
            what=said("a register is not listed as a whole: name the values of a look-up, query.<name>=…")
        )
    return by


def _one_of(asked: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    value = asked.get(name, known[0])
    if value not in known:
        raise BadQuestion(what=said("“{name}” is one of {names}", name=name, names=", ".join(known)))
    return value


def _number(asked: Mapping[str, str], name: str, otherwise: int, most: int) -> int:
    text = asked.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 0 < int(text) <= most):
        raise BadQuestion(what=said("“{name}” is a whole number from 1 to {most}", name=name, most=most))
    return int(text)


def _address(request: HttpRequest, register: str, version: int, page: int) -> str:
    """Return the address of a page: what stands behind ``xroad:`` is asked through the own gateway."""
    asked = {**request.GET.dict(), "page": str(page)}
    return f"xroad:/r1/{register_of(register).subsystem}/{SERVICE}/{register}/{version}?{urlencode(asked)}"
