"""The desk of the posts that decide on what persons ask about their data."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from onedoor.kernel import clock
from onedoor.kernel.access import OFFICER, access, acting
from onedoor.kernel.actor import Actor
from onedoor.kernel.text import Text
from onedoor.privacy import rights
from onedoor.privacy.requests import deciding, definition
from onedoor.privacy.requests.errors import ExtendedBefore, RequestEnded
from onedoor.privacy.words import of_post
from onedoor.store.erasure import NobodyToErase, StillHeld

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY
LONGEST = 2000
TYPED = ("decision", "article", "words")
GRANT, REFUSE, EXTEND = "grant", "refuse", "extend"


@access(OFFICER)
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Show what persons ask, the one due first on top, and below it what ended."""
    found, ended = deciding.at_desk(acting(request))
    context = {"requests": found, "ended": ended, "texts": _texts(), "purposes": rights.purposes(), "now": clock.now()}
    return render(request, "privacy/desk_requests.html", context)


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: HttpRequest, code: str) -> HttpResponse:
    """Show a request, once that look is on record, and take the decision on it; an ended one shows its outcome."""
    actor = acting(request)
    typed = {name: request.POST.get(name, "").replace("\0", "").strip()[:LONGEST] for name in TYPED}
    wrong: dict[str, str] = _wrong(typed) if request.method == "POST" else {}
    if request.method == "POST" and not wrong:
        wrong = _decided(code, actor, typed)
        if not wrong:
            return HttpResponseRedirect(reverse("privacy:desk-request", args=[code]))
    opened = deciding.opened(code, actor)
    context = {
        "sheet": opened,
        "right": _texts()[opened.request.right],
        "purpose": rights.purposes().get(opened.request.purpose),
        "by": of_post(opened.request.decided_by),
        "now": clock.now(),
        "typed": typed,
        "wrong": wrong,
    }
    return render(request, "privacy/desk_request.html", context, status=UNPROCESSABLE if wrong else HTTPStatus.OK)


def _wrong(typed: Mapping[str, str]) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if typed["decision"] not in (GRANT, REFUSE, EXTEND):
        wrong["decision"] = _("Choose what is decided.")
    if typed["decision"] == REFUSE and not typed["article"]:
        wrong["article"] = _("Name the article of law on which it is refused.")
    if typed["decision"] in (REFUSE, EXTEND) and not typed["words"]:
        wrong["words"] = _("Say why: the person reads it.")
    return wrong


def _decided(code: str, actor: Actor, typed: Mapping[str, str]) -> dict[str, str]:
    """Decide as *typed*; return what stands against it. One that ended meanwhile shows how."""
    deeds: Mapping[str, Callable[[], object]] = {
        GRANT: lambda: deciding.grant(code, actor, typed["words"]),
        REFUSE: lambda: deciding.refuse(code, actor, article=typed["article"], words=typed["words"]),
        EXTEND: lambda: deciding.extend(code, actor, typed["words"]),
    }
    try:
        deeds[typed["decision"]]()
    except RequestEnded:
        return {}
    except StillHeld as held:
        why = " ".join(one.text(_, get_language() or "") for one in held.reasons)
        return {"decision": _("The person cannot be erased from this system: %(why)s") % {"why": why}}
    except (NobodyToErase, ExtendedBefore) as error:
        return {"decision": error.text(_)}
    return {}


def _texts() -> dict[str, Text]:
    return {one.id: one.text for one in definition.current().rights.values()}
