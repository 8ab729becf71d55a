"""A person's pages at the portal: their rights in words, what they asked, and the end of their account."""

from collections.abc import Mapping
from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from onedoor.identity import service as identity
from onedoor.kernel import nation
from onedoor.kernel.access import IDENTIFIED, access, acting
from onedoor.kernel.actor import NOBODY, Actor
from onedoor.kernel.ids import key_of_form
from onedoor.privacy.requests import asking, definition, stopping
from onedoor.privacy.requests.definition import ASKED, OBJECT
from onedoor.privacy.requests.errors import RequestKeyUsed
from onedoor.store import erasure

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY
LONGEST = 2000
SEPARATOR = " "
"""Between system and purpose in one choice; neither holds a space."""


@access(IDENTIFIED)
@require_safe
def rights(request: HttpRequest) -> HttpResponse:
    """Show the person's rights with their clocks, and what became of everything they asked."""
    today = nation.current().today()
    known = definition.current().rights.values()
    in_force = [(one, layer) for one in known if (layer := one.on(today))]
    context = {
        "rights": in_force,
        "sources": list({str(layer.source): layer.source for _right, layer in in_force}.values()),
        "asked": ASKED,
        "found": asking.everything(acting(request)),
        "texts": {one.id: one.text for one in known},
    }
    return render(request, "privacy/my_data.html", context)


@access(IDENTIFIED)
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, right: str) -> HttpResponse:
    """Take what the person asks to the agency that decides on it."""
    found = definition.current().rights.get(right)
    layer = found.on(nation.current().today()) if found and right in ASKED else None
    if found is None or layer is None:
        raise Http404
    choices = _choices(right)
    typed = {name: request.POST.get(name, "").strip() for name in ("where", "words")}
    wrong = _wrong(typed, choices) if request.method == "POST" else {}
    key = key_of_form(request.POST.get("key", ""))
    if request.method == "POST" and not wrong:
        wrong = _sent(acting(request), right, typed, key)
        if not wrong:
            return HttpResponseRedirect(reverse("privacy:my-data") + "#asked")
    context = {"right": found, "layer": layer, "choices": choices, "typed": typed, "wrong": wrong, "key": key}
    return render(request, "privacy/my_data_ask.html", context, status=UNPROCESSABLE if wrong else HTTPStatus.OK)


@access(IDENTIFIED)
@require_POST
def lift(request: HttpRequest) -> HttpResponse:
    """Take back a request of the person."""
    system = request.POST.get("system", "")
    if system not in {one.system for one in asking.agencies()}:
        raise Http404
    asking.lift(acting(request), system, request.POST.get("code", "")[:16])
    return HttpResponseRedirect(reverse("privacy:my-data") + "#asked")


@access(IDENTIFIED)
@require_http_methods(["GET", "HEAD", "POST"])
def erase_account(request: HttpRequest) -> HttpResponse:
    """Erase the person from this portal, once they have typed the word that says they mean it."""
    word = _("ERASE")
    wrong, held = {}, None
    if request.method == "POST":
        if request.POST.get("word", "").strip().casefold() != word.casefold():
            wrong["word"] = _("Type the word %(word)s to confirm.") % {"word": word}
        else:
            try:
                done = erasure.erase(identity.person_number(acting(request).person))
            except erasure.StillHeld as error:
                held = error
            else:
                identity.sign_out(request)
                request.actor = NOBODY  # type: ignore[attr-defined]
                return render(request, "privacy/account_erased.html", {"done": done})
    reasons = [one.text(_, get_language() or "") for one in held.reasons] if held else []
    context = {"word": word, "wrong": wrong, "reasons": reasons}
    return render(
        request, "privacy/erase_account.html", context, status=UNPROCESSABLE if wrong or held else HTTPStatus.OK
    )


def _choices(right: str) -> dict[str, tuple[asking.Agency, Mapping[str, str]]]:
    """Return what may be chosen: an agency, or for objecting a purpose that its data are used for."""
    if right != OBJECT:
        return {one.system: (one, {}) for one in asking.agencies()}
    return {
        f"{one.system}{SEPARATOR}{purpose.id}": (one, purpose.text)
        for one in asking.agencies()
        for purpose in stopping.objectionable(one.system)
    }


def _wrong(typed: Mapping[str, str], choices: Mapping[str, object]) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if typed["where"] not in choices:
        wrong["where"] = _("Choose one of them.")
    if not typed["words"]:
        wrong["words"] = _("Say why you ask.")
    if len(typed["words"]) > LONGEST:
        wrong["words"] = _("This is too long.")
    return wrong


def _sent(actor: Actor, right: str, typed: Mapping[str, str], key: str) -> dict[str, str]:
    system, _between, purpose = typed["where"].partition(SEPARATOR)
    said = {"right": right, "purpose": purpose, "words": typed["words"].replace("\0", "")}
    try:
        asking.send(actor, system, said, key)
    except RequestKeyUsed as error:
        return {"words": error.text(_)}
    return {}
