"""A person's page at the portal: what they are asked to agree to, agreed or withdrawn with one click each."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from onedoor.identity import service as identity
from onedoor.kernel import nation
from onedoor.kernel.access import IDENTIFIED, access, acting
from onedoor.kernel.nation.layers import united
from onedoor.kernel.text import Text
from onedoor.privacy.consents import decisions
from onedoor.privacy.errors import TermsChanged
from onedoor.privacy.rules import Purpose

UNPROCESSABLE = 422
LONGEST_VERSION = 9


@dataclass(frozen=True, slots=True)
class Reads:
    """Who may read which fields of which register on a consent, in words."""

    who: Text
    register: Text
    fields: tuple[Text, ...]


@access(IDENTIFIED)
@require_http_methods(["GET", "HEAD", "POST"])
def consents(request: HttpRequest) -> HttpResponse:
    """Show each purpose that stands on consent, and take what the person says to one of them."""
    actor, wrong = acting(request), ""
    person = identity.person_number(actor.person)
    if request.method == "POST":
        purpose, version = request.POST.get("purpose", "").replace("\0", ""), request.POST.get("version", "")
        given = request.POST.get("answer", "")
        if given in ("yes", "no") and version.isdecimal() and len(version) <= LONGEST_VERSION:
            try:
                decisions.decide(person, purpose, int(version), given=given == "yes", by=actor)
                return HttpResponseRedirect(f"{reverse('privacy:consents')}#{purpose}")
            except TermsChanged as error:
                wrong = error.text(_)
        else:
            wrong = _("Choose whether you agree: nothing was changed.")
    context = {"standings": decisions.standings(person), "reads_of": reads_of, "wrong": wrong}
    context["holder_of"] = nation.current().holder_of
    return render(request, "privacy/consents.html", context, status=UNPROCESSABLE if wrong else 200)


def reads_of(purpose: Purpose) -> Iterator[Reads]:
    """Yield who reads what on the consent to *purpose*."""
    registers = {one.data["register"]: one.data for one in nation.current().documents("register")}
    for grant in purpose.grants:
        if data := registers.get(grant.register):
            fields = united(data, "fields")
            named = tuple(fields[name]["name"] for name in grant.fields)
            yield Reads(nation.current().holder_of(grant.reader), data["name"], named)
