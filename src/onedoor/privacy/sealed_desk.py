"""The desk of the posts that may decide that a sealed read is shown later."""

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from onedoor.kernel.access import OFFICER, access, acting
from onedoor.privacy import postponing
from onedoor.privacy.breaches.forms import register_names
from onedoor.privacy.errors import NotPostponed
from onedoor.privacy.pages import day_of
from onedoor.privacy.postponing import SealedRead
from onedoor.privacy.words import of_post

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY


@access(OFFICER)
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Show the sealed reads of the officer's system that wait for their day, the next one on top."""
    found = postponing.waiting(acting(request))
    context = {"found": found, "registers": register_names(), "of_post": of_post}
    return render(request, "privacy/desk_sealed.html", context)


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: HttpRequest, system: str, record: UUID) -> HttpResponse:
    """Show a sealed read, and take the decision of a second officer that it is shown later."""
    actor = acting(request)
    found = postponing.one(actor, system.replace(".", "/"), record)
    typed = {name: request.POST.get(name, "").replace("\0", "").strip()[:80] for name in ("basis", "until")}
    wrong: dict[str, str] = {}
    if request.method == "POST":
        until, wrong = _checked(found, typed)
        if until and not wrong:
            try:
                postponing.postpone(actor, found, typed["basis"], until)
            except NotPostponed as error:
                wrong["until"] = error.text(_)
            else:
                return HttpResponseRedirect(reverse("privacy:desk-sealed"))
    context = {"one": found, "registers": register_names(), "of_post": of_post, "typed": typed, "wrong": wrong}
    return render(request, "privacy/desk_sealed_read.html", context, status=UNPROCESSABLE if wrong else HTTPStatus.OK)


def _checked(found: SealedRead, typed: Mapping[str, str]) -> tuple[date | None, dict[str, str]]:
    """Return the day that was typed, and what is wrong with the form by field."""
    wrong: dict[str, str] = {}
    if typed["basis"] not in found.purpose.basis:
        wrong["basis"] = _("Choose the article it stands on.")
    try:
        until = date.fromisoformat(day_of(typed["until"]))
    except ValueError:
        return None, wrong | {"until": _("Enter a day as in 31/12/2026.")}
    if not found.until < until <= found.latest:
        ends = {"first": found.until, "last": found.latest}
        said = {name: f"{day:%d/%m/%Y}" for name, day in ends.items()}
        wrong["until"] = _("Enter a day after %(first)s and not after %(last)s.") % said
    return until, wrong
