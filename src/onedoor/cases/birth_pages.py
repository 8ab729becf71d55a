"""The page on which a health facility issues a birth notice into its own register."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from onedoor.cases import service
from onedoor.kernel import clock, nation
from onedoor.kernel.access import OFFICER, access, acting
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import NotAllowed
from onedoor.kernel.ids import key_of_form
from onedoor.kernel.text import pick
from onedoor.privacy import service as privacy
from onedoor.registers import service as registers

REGISTER: Final = "birth-notices"
PURPOSE: Final = "birth-notice"
FIELDS: Final = ("mother", "born", "sex", "weight_g", "child_name")
LIGHTEST, HEAVIEST = 200, 9000
LONG: Final = 7
"""Digits of a number that weighs nobody."""
UNPROCESSABLE: Final = 422


class OnlyMidwives(NotAllowed):
    """Only the midwives of a health facility issue birth notices here."""


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def birth_notice(request: HttpRequest) -> HttpResponse:
    """Issue a birth notice: what the facility knows, once, for every agency that needs it."""
    actor = acting(request)
    if not service.issues_notices(actor):
        raise OnlyMidwives
    typed = {name: request.POST.get(name, "").strip() for name in FIELDS}
    key = key_of_form(request.POST.get("key", ""))
    wrong = _wrong(typed) if request.method == "POST" else {}
    issued: Mapping[str, Any] | None = None
    if request.method == "POST" and not wrong:
        try:
            issued = registers.write(REGISTER, _values(typed, actor), reader=_reader(actor), key=key)
        except registers.BadRecord as error:
            wrong = {"mother": error.text(_)}
    facility = nation.current().agencies[actor.agency]
    context = {"typed": typed, "wrong": wrong, "issued": issued, "key": key, "facility": facility}
    context["shape"] = nation.current().person_number.text
    return render(request, "cases/birth_notice.html", context, status=UNPROCESSABLE if wrong else 200)


def _reader(actor: Actor) -> registers.Reader:
    basis = next(iter(privacy.purpose(PURPOSE).basis))
    return registers.Reader(
        client=nation.current().agencies[actor.agency].subsystem, user=actor.post, purpose=PURPOSE, basis=basis, case=""
    )


def _values(typed: Mapping[str, str], actor: Actor) -> dict[str, Any]:
    here = nation.current()
    facility = here.agencies[actor.agency]
    return {
        "mother": typed["mother"],
        "born": typed["born"],
        "sex": typed["sex"],
        "weight_g": int(typed["weight_g"]),
        "child_name": typed["child_name"],
        "facility": facility.id,
        "place": {"facility": pick(facility.name, here.languages[0]), "unit": facility.unit},
    }


def _wrong(typed: Mapping[str, str]) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not nation.current().person_number.fits(typed["mother"]):
        wrong["mother"] = _("Enter the mother’s personal number.")
    if not _moment(typed["born"]):
        wrong["born"] = _("Enter the date and time of birth; it cannot lie ahead.")
    if typed["sex"] not in ("M", "F"):
        wrong["sex"] = _("Choose the child’s sex.")
    weight = typed["weight_g"]
    if not (weight.isdecimal() and len(weight) < LONG and LIGHTEST <= int(weight) <= HEAVIEST):
        wrong["weight_g"] = _("Enter the weight in grams, between 200 and 9,000.")
    return wrong


def _moment(text: str) -> bool:
    """Return whether *text* is a local moment that is not ahead."""
    try:
        born = datetime.fromisoformat(text)
    except ValueError:
        return False
    return born.tzinfo is None and born.replace(tzinfo=nation.current().calendar.tz) <= clock.now()
