"""Which services the exchange has, for everybody: who offers them, what they are, who may ask, and how one asks."""

import csv
import io
import json
from collections.abc import Collection, Sequence
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from onedoor.exchange.descriptions import Offered, Right, shelf
from onedoor.kernel import nation
from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.errors import NotFound
from onedoor.kernel.text import Text, fold, pick

LONGEST, A_PAGE = 200, 20
COLUMNS = ("service", "member", "subsystem", "kind", "title", "version", "endpoints", "clients")


@access(PUBLIC)
@require_safe
def services(request: HttpRequest) -> HttpResponse:
    """Show the services that a search finds, or all of them."""
    query, serial, found = _found(request)
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    context = {"query": query, "serial": serial, "found": page, "count": len(found), "named": _named, "system": _system}
    return render(request, "exchange/catalogue.html", context)


@access(PUBLIC)
@require_safe
def service(request: HttpRequest, service: str) -> HttpResponse:
    """Show a service."""
    serial, known = shelf.services()
    one = next((one for one in known if one.id == service), None)
    if one is None:
        raise NotFound
    rights = [(_client(right), [_purpose(name) for name in right.purposes]) for right in _merged(one.rights)]
    context = {"one": one, "serial": serial, "rights": rights, "named": _named, "system": _system}
    return render(request, "exchange/catalogue_service.html", context)


@access(PUBLIC)
@require_safe
def catalogue_export(request: HttpRequest, form: str) -> HttpResponse:
    """Give the services that a search finds as CSV or JSON."""
    if form not in ("csv", "json"):
        raise NotFound
    _query, serial, found = _found(request)
    rows = [_row(one) for one in found]
    if form == "json":
        made, kind = json.dumps({"serial": serial, "services": rows}, ensure_ascii=False, indent=1), "application/json"
    else:
        out = io.StringIO()
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
        made, kind = out.getvalue(), "text/csv; charset=utf-8"
    headers = {"Content-Disposition": f'attachment; filename="exchange-services.{form}"'}
    return HttpResponse(made, content_type=kind, headers=headers)


def _found(request: HttpRequest) -> tuple[str, int, Sequence[Offered]]:
    """Return what is searched for, the configuration's serial number, and the services with all words of it."""
    query = " ".join(request.GET.get("q", "").split())[:LONGEST]
    serial, known = shelf.services()
    words = frozenset(fold(query).split())
    found = [one for one in known if not words or _holds(one, words)]
    return query, serial, sorted(found, key=lambda one: one.id)


def _holds(one: Offered, words: Collection[str]) -> bool:
    text = fold(f"{one.words} {_all_names(one)}")
    return all(word in text for word in words)


def _row(one: Offered) -> dict[str, Any]:
    described = one.description
    return {
        "service": one.id,
        "member": one.member,
        "subsystem": one.subsystem,
        "kind": one.kind,
        "title": pick(described.title, get_language() or "") if described else "",
        "version": described.version if described else "",
        "endpoints": [f"{method} {path}" for method, path in described.endpoints] if described else [],
        "clients": sorted({right.client for right in one.rights}),
    }


def _cell(value: object) -> str:
    text = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) else text  # a table must not compute it


def _merged(rights: Sequence[Right]) -> list[Right]:
    """Return one right for each client, with all its purposes."""
    purposes: dict[str, list[str]] = {}
    for one in rights:
        purposes.setdefault(one.client, []).extend(one.purposes)
    return [Right(client, tuple(dict.fromkeys(names))) for client, names in sorted(purposes.items())]


def _client(right: Right) -> Text | str:
    return _system(right.client, right.client)


def _system(subsystem: str, otherwise: str) -> Text | str:
    """Return what the nation calls a system in the reader's language; what the configuration says of others."""
    members = nation.current().members.values()
    return next((one.subsystem_name for one in members if one.subsystem == subsystem), otherwise)


def _named(subsystem: str, otherwise: str) -> Text | str:
    """Return what the nation calls the member of a system."""
    members = nation.current().members.values()
    return next((one.name for one in members if one.subsystem == subsystem), otherwise)


def _all_names(one: Offered) -> str:
    texts = (_named(one.provider, ""), _system(one.provider, ""))
    return " ".join(word for text in texts if not isinstance(text, str) for word in text.values())


def _purpose(name: str) -> Text | str:
    return nation.current().once(_purposes).get(name, name)


def _purposes(country: nation.Nation) -> dict[str, Text]:
    return {one.data["purpose"]: one.data["text"] for one in country.documents("right")}
