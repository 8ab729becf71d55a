"""An officer's pages to look a record up by hand: choose what, say whom, read what the right opens."""

from collections.abc import Mapping
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from onedoor.cases import service
from onedoor.cases.views import AskedView, OfferView, WayView
from onedoor.kernel import nation
from onedoor.kernel.access import OFFICER, access, acting
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import BadCaseCode, read_case_code
from onedoor.kernel.text import pick

CASE: Final = "case"
FORM: Final = "cases/look_up_form.html"
LONGEST: Final = 200
YEAR: Final = 4
UNPROCESSABLE: Final = 422


@access(OFFICER)
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """Show what the officer's post may look up, for which purpose and by what."""
    return render(request, "cases/look_up.html", {"offers": service.offers(acting(request))})


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, purpose: str, register: str, way: str) -> HttpResponse:
    """Ask whom or what to look up; on POST show what was found, which leaves once the read is on record."""
    actor, look = acting(request), service.Look(purpose, register, way)
    offer = service.offer(look, actor)
    chosen = next(one for one in offer.ways if one.id == way)
    typed = {one.name: request.POST.get(f"by-{one.name}", "").strip() for one in chosen.asked}
    case = request.POST.get(CASE, "").strip()
    context = {"offer": offer, "way": chosen, "typed": typed, "case": case, "wrong": {}, "found": None}
    context["shape"] = nation.current().person_number.text
    if request.method == "POST":
        by = {one.name: _plain(one, typed[one.name]) for one in chosen.asked}
        code, bad = _case(case, offer, actor)
        if wrong := {**_wrong(chosen, by), **bad}:
            return render(request, FORM, context | {"wrong": wrong}, status=UNPROCESSABLE)
        with service.looking_up(look, by, code, actor) as found:
            return render(request, FORM, context | {"found": found})
    return render(request, FORM, context)


def _plain(asked: AskedView, value: str) -> str:
    """Return a number without the spaces people put into it."""
    return "".join(value.split()) if asked.kind == "number" else value


def _wrong(way: WayView, by: Mapping[str, str]) -> dict[str, str]:
    found = {f"by-{one.name}": _fault(one, by[one.name]) for one in way.asked}
    return {name: fault for name, fault in found.items() if fault}


def _fault(asked: AskedView, value: str) -> str:
    if not value:
        return _("Enter: %(what)s") % {"what": pick(asked.label, get_language() or "en")}
    if len(value) > LONGEST:
        return _("This is too long.")
    if asked.kind == "number" and not nation.current().person_number.fits(value):
        return _("Enter the whole number.")
    if asked.kind == "year" and not (len(value) == YEAR and value.isdecimal()):
        return _("Enter the year with four digits.")
    return ""


def _case(typed: str, offer: OfferView, actor: Actor) -> tuple[str, dict[str, str]]:
    """Return the code of the case in its written form, and what is wrong with it."""
    if not typed:
        return "", {
            CASE: _("Enter the case: for this purpose nothing is read outside one.")
        } if offer.needs_case else {}
    try:
        code = read_case_code(typed)
    except BadCaseCode as error:
        return "", {CASE: error.text(_)}
    if not service.at_desk(code, actor):
        return "", {CASE: _("No open case with this code is at your desk.")}
    return code, {}
