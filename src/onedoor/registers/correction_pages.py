"""A person's pages at the portal: say that a fact about oneself is wrong, and see what became of it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from onedoor.exchange import service as exchange
from onedoor.identity import service as identity
from onedoor.kernel import clock
from onedoor.kernel.access import IDENTIFIED, access, acting
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ids import key_of_form
from onedoor.kernel.text import Text
from onedoor.privacy import service as privacy
from onedoor.registers import words
from onedoor.registers.corrections import PURPOSE, correctable
from onedoor.registers.definition import Field, Register

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY
FIELDS = ("fact", "value", "why")
Chosen = tuple[Register, tuple[Field, ...]]
DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
LONGEST = {"fact": 130, "value": 200, "why": 2000}


@dataclass(frozen=True, slots=True)
class Line:
    """What a person asked to be corrected, in words."""

    code: str
    register: Text
    field: Text
    state: str
    due: datetime
    words: str


@access(IDENTIFIED)
@require_safe
def asked(request: HttpRequest) -> HttpResponse:
    """Show everything the person asked to be corrected, as its owners answer; the page is begun while they do."""
    chosen = [register for register, _fields in correctable()]
    answers = exchange.ask_each([_call(one, "corrections/asked", {}, acting(request), "") for one in chosen])

    def told() -> tuple[list[Line], list[Text]]:
        lines: list[Line] = []

        def take(register: Register, told: Any) -> None:  # noqa: ANN401 - what another system answered
            lines.extend([_line(register, one) for one in told["corrections"]])

        silent = exchange.take_from(chosen, answers, take)
        return lines, [one.name for one in silent]

    return render(request, "registers/corrections.html", {"asked": told, "now": clock.now()})


@access(IDENTIFIED)
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Take what the person says is wrong to the register's owner."""
    typed = {name: request.POST.get(name, request.GET.get(name, "")).strip() for name in FIELDS}
    chosen = correctable()
    facts = {_fact(one, field): (one, field) for one, fields in chosen for field in fields}
    wrong = _wrong(typed, facts) if request.method == "POST" else {}
    if request.method == "POST" and not wrong:
        register, field = facts[typed["fact"]]
        wrong = _sent(register, field, typed, acting(request), key_of_form(request.POST.get("key", "")))
        if not wrong:
            return HttpResponseRedirect(reverse("registers:corrections"))
    context = {"typed": typed, "facts": facts, "wrong": wrong, "key": key_of_form(request.POST.get("key", ""))}
    context["asked"] = _asked(chosen, acting(request))
    return render(request, "registers/correction_new.html", context, status=UNPROCESSABLE if wrong else 200)


def _asked(chosen: Sequence[Chosen], actor: Actor) -> Callable[[], tuple[dict[str, Text], list[Text]]]:
    """Ask the registers what they say now of each fact; what is returned waits for it, once these reads are on record.

    It tells by fact what they say, nothing of a register that does not answer, and names those. The facts of one that
    holds no record of the person, or several, are left out: they could not be corrected here.
    """
    answers = exchange.ask_each([_own_record(register, fields, actor) for register, fields in chosen])

    def told() -> tuple[dict[str, Text], list[Text]]:
        offered: dict[str, Text] = {}

        def take(one: Chosen, told: Any) -> None:  # noqa: ANN401 - what another system answered
            register, fields = one
            if len(told["records"]) == 1:
                (record,) = told["records"]
                said = {_fact(register, one): words.say(one.schema, record.get(one.id)) for one in fields}
                offered.update(said)

        silent = exchange.take_from(chosen, answers, take)
        offered.update({_fact(register, one): {} for register, fields in silent for one in fields})
        every = (_fact(register, one) for register, fields in chosen for one in fields)
        return {one: offered[one] for one in every if one in offered}, [register.name for register, _fields in silent]

    return told


def _fact(register: Register, field: Field) -> str:
    """Return what a fact of a register is called in the form."""
    return f"{register.id}.{field.id}"


def _own_record(register: Register, fields: tuple[Field, ...], actor: Actor) -> exchange.Call:
    by = {_own_lookup(register): identity.person_number(actor.person)}
    return _call(register, "lookup", {"by": by, "fields": [one.id for one in fields]}, actor, "")


def _wrong(typed: dict[str, str], facts: dict[str, Any]) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if typed["fact"] not in facts:
        wrong["fact"] = _("Choose the fact that is wrong.")
    if not typed["value"]:
        wrong["value"] = _("Write what is right.")
    if not typed["why"]:
        wrong["why"] = _("Say how the owner can see that it is so.")
    too_long = {name: _("This is too long.") for name, most in LONGEST.items() if len(typed[name]) > most}
    return {**too_long, **wrong}


def _sent(register: Register, field: Field, typed: dict[str, str], actor: Actor, key: str) -> dict[str, str]:
    """Send the request to the owner; return what it finds wrong with it."""
    by = {_own_lookup(register): identity.person_number(actor.person)}
    body = {"by": by, "field": field.id, "value": _as_kept(field, typed["value"]), "why": typed["why"]}
    answer = exchange.call_many([_call(register, "corrections", body, actor, key)])[0]
    if isinstance(answer, exchange.ProviderError) and answer.answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        if answer.answer.status == HTTPStatus.NOT_FOUND:
            return {"fact": _("This register holds nothing about you that could be corrected here.")}
        if answer.answer.status == HTTPStatus.CONFLICT:
            return {"fact": _("This form was sent already, with other words. Open a new one to say something else.")}
        return {"value": _("This value cannot stand in the register. Please check how it is written.")}
    if isinstance(answer, OnedoorError):
        raise answer
    return {}


def _as_kept(field: Field, value: str) -> str:
    """Return what was typed as the register keeps it: a day may be written day first, a code in words."""
    day = DAY_FIRST.fullmatch(value) if field.schema.get("format") == "date" else None
    return f"{day[3]}-{int(day[2]):02}-{int(day[1]):02}" if day else words.code_of(field.schema, value)


def _own_lookup(register: Register) -> str:
    """Return the value of the look-up by which a person's own record is found."""
    alone = (next(iter(one.items())) for one in register.lookups.values() if len(one) == 1)
    return next(name for name, parameter in alone if parameter.person)


def _call(register: Register, path: str, body: dict[str, Any], actor: Actor, key: str) -> exchange.Call:
    basis = next(iter(privacy.purpose(PURPOSE).basis))
    reason = exchange.Reason(PURPOSE, basis)
    service = f"{register.subsystem}/{register.id}"
    return exchange.Call(service, path, body, reason=reason, user=actor.person, key=key)


def _line(register: Register, one: dict[str, Any]) -> Line:
    field = register.fields[one["field"]].name
    due = clock.moment_of(one["due"])
    return Line(one["code"], register.name, field, one["state"], due, one["words"])
