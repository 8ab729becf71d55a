"""A person's pages at the portal: what each register of each agency holds about them, and the same to take along."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from onedoor.exchange import service as exchange
from onedoor.identity import service as identity
from onedoor.kernel import clock, nation
from onedoor.kernel.access import IDENTIFIED, access, acting
from onedoor.kernel.actor import Actor
from onedoor.kernel.openapi import TEXT, answer, problems, strict
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import Text, cell, pick
from onedoor.privacy import service as privacy
from onedoor.registers import words
from onedoor.registers.corrections import correctable
from onedoor.registers.definition import Register, registers
from onedoor.registers.own_data import SERVICE

PURPOSE = SERVICE
WAIT = 5.0
MOST = 1000
"""Records of all registers that one file holds."""
WORD = {"type": "string"}
FACT = strict(field=WORD, name=TEXT, value={}, words=TEXT)
HELD = strict(
    register=WORD,
    name=TEXT,
    agency=TEXT,
    law={"type": "array", "items": WORD, "description": "the laws by which the register is kept"},
    read={"type": "string", "format": "uuid", "description": "the agency's record of this look"},
    records={"type": "array", "items": {"type": "array", "items": FACT}},
    more={"type": "boolean", "description": "whether the register holds more records than these"},
)
OWN = strict(
    nation=WORD,
    taken={"type": "string", "format": "date-time"},
    registers={"type": "array", "items": HELD},
    did_not_answer={"type": "array", "items": TEXT},
)
PATHS: dict[str, Any] = {
    "/api/my-data": {
        "get": {
            "operationId": "myData",
            "summary": "What each register of each agency holds about oneself, to take along",
            "security": [{"session": []}],
            "responses": {
                "200": answer("found, as every agency answers now", OWN),
                **problems({401: "nobody is signed in", 403: "this is for persons"}),
            },
        }
    }
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One field of a record: what it holds, the same in words, and the name of the form that corrects it, if any."""

    field: str
    name: Text
    value: Any
    words: Text
    correct: str


@dataclass(frozen=True, slots=True)
class Held:
    """What one register holds about the person, record by record."""

    register: Register
    agency: Text
    read: str
    records: list[list[Fact]]
    more: bool


@dataclass(frozen=True, slots=True)
class Own:
    """What all registers hold, and the agencies that did not answer."""

    registers: list[Held]
    silent: list[Text]


@access(IDENTIFIED)
@require_safe
def held(request: HttpRequest) -> HttpResponse:
    """Show what each register holds about the person, as every agency answers now."""
    context = {"found": _own(acting(request)), "program": reverse("own-data-json")}
    return render(request, "registers/own_data.html", context)


@access(IDENTIFIED)
@require_safe
def as_json(request: HttpRequest) -> JsonResponse:
    """Answer with what each register holds about the person, described in ``/api/openapi.json``."""
    found = _own(acting(request))
    body = {
        "nation": nation.current().id,
        "taken": clock.now().isoformat(),
        "registers": [_plain(one) for one in found.registers],
        "did_not_answer": [dict(name) for name in found.silent],
    }
    response = JsonResponse(body, json_dumps_params={"ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="{_name()}.json"'
    return response


@access(IDENTIFIED)
@require_safe
def as_csv(request: HttpRequest) -> HttpResponse:
    """Give the same as a table in the page's language; who did not answer is named at its end."""
    found = _own(acting(request))
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow([_("Register"), _("Agency"), _("Which record"), _("Fact"), _("Value")])
    for one in found.registers:
        for number, record in enumerate(one.records, 1):
            for fact in record:
                where, what = (one.register.name, one.agency), (fact.name, fact.words)
                rows.writerow([*map(_said, where), number, *map(_said, what)])
    for silent in found.silent:
        rows.writerow(["", _said(silent), "", _("did not answer: its data are missing here")])
    name = f'attachment; filename="{_name()}.csv"'
    content = "\ufeff" + file.getvalue()
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name})


def _own(actor: Actor) -> Own:
    """Ask every agency at the same time what its registers hold; each of these looks is on record there."""
    purpose = privacy.purpose(PURPOSE)
    here = settings().subsystem
    grants = [one for one in purpose.grants if one.service == SERVICE and here in ("", one.reader)]
    systems = list(dict.fromkeys(one.provider for one in grants))
    reason = exchange.Reason(purpose.id, next(iter(purpose.basis)))
    body = {"person": identity.person_number(actor.person)}
    calls = [exchange.Call(f"{one}/{SERVICE}", "of-person", body, reason=reason, user=actor.person) for one in systems]
    names = {one.subsystem: one.name for one in nation.current().members.values()}
    corrected = {f"{one.id}.{field.id}" for one, fields in correctable() for field in fields}
    found: list[Held] = []

    def take(system: str, told: Any) -> None:  # noqa: ANN401 - what another system answered
        for one in told["registers"]:
            if registers()[one["register"]].subsystem == system:  # of another's register nobody else says what it holds
                left = MOST - sum(len(held.records) for held in found)
                found.append(_held(one, names[system], left, corrected))

    try:
        silent = exchange.take_each(systems, calls, take, timeout=WAIT)
    except exchange.ServiceUnavailable:  # there is no gateway of its own
        silent = systems
    return Own(found, [names[system] for system in silent])


def _held(told: dict[str, Any], agency: Text, left: int, corrected: set[str]) -> Held:
    register = registers()[told["register"]]
    records = [_facts(register, record, corrected) for record in told["records"][:left]]
    return Held(register, agency, str(told["read"]), records, told["more"] or len(told["records"]) > left)


def _facts(register: Register, record: dict[str, Any], corrected: set[str]) -> list[Fact]:
    return [
        Fact(name, field.name, record[name], words.say(field.schema, record[name]), _form(register, name, corrected))
        for name, field in register.fields.items()
        if name in record
    ]


def _form(register: Register, name: str, corrected: set[str]) -> str:
    fact = f"{register.id}.{name}"
    return fact if fact in corrected else ""


def _plain(one: Held) -> dict[str, Any]:
    return {
        "register": one.register.id,
        "name": dict(one.register.name),
        "agency": dict(one.agency),
        "law": [f"{law['number']} {law.get('article', '')}".strip() for law in one.register.law],
        "read": one.read,
        "records": [[_fact(fact) for fact in record] for record in one.records],
        "more": one.more,
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {"field": fact.field, "name": dict(fact.name), "value": fact.value, "words": dict(fact.words)}


def _name() -> str:
    return f"my-data-{nation.current().today():%Y-%m-%d}"


def _said(text: Text) -> str:
    """Return a cell in the page's language; a spreadsheet takes none of it for a formula."""
    return cell(pick(text, get_language() or "")) if text else ""
