"""The owner's desk: what people say is wrong in its registers, decided within the limit."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from onedoor.kernel import clock
from onedoor.kernel.access import OFFICER, access, acting
from onedoor.privacy import service as privacy
from onedoor.registers import corrections
from onedoor.registers import words as words_of
from onedoor.registers.definition import Field, registers
from onedoor.registers.errors import BadRecord, Decided

UNPROCESSABLE = 422
LONGEST = 2000


@access(OFFICER)
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Show what is to be decided, the one due first on top, and below it what was decided."""
    actor = acting(request)
    context = {
        "corrections": corrections.at_desk(actor),
        "decided": corrections.decided(actor),
        "registers": registers(),
        "now": clock.now(),
    }
    return render(request, "registers/desk_corrections.html", context)


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: HttpRequest, code: str) -> HttpResponse:
    """Show a request, once that look is on record, and take the decision on it; a decided one shows its outcome."""
    actor = acting(request)
    words = request.POST.get("words", "").strip()[:LONGEST]
    decision, wrong = request.POST.get("decision", ""), {}
    if request.method == "POST":
        if decision not in ("accept", "decline"):
            wrong["decision"] = _("Choose whether the fact is corrected.")
        elif decision == "decline" and not words:
            wrong["words"] = _("Say why it is not corrected: the person reads it.")
        if not wrong:
            try:
                corrections.decide(code, actor, accept=decision == "accept", words=words)
                return _outcome(code)
            except Decided:
                return _outcome(code)
            except BadRecord as error:
                wrong["decision"] = error.text(_)
    opened = corrections.opened(code, actor)
    register = registers()[opened.correction.register]
    field = register.fields[opened.correction.field]
    context = {
        "sheet": opened,
        "now": _shown(field, opened.now),
        "said": _shown(field, opened.said["value"]),
        "by": privacy.of_post(opened.correction.decided_by),
        "register": register,
        "field": field,
        "wrong": wrong,
        "words": words,
        "decision": decision,
    }
    return render(request, "registers/desk_correction.html", context, status=UNPROCESSABLE if wrong else 200)


def _shown(field: Field, value: Any) -> Any:  # noqa: ANN401 - what a register holds
    """Return a value as the page shows it: a code in words, a day as a date."""
    if "codes" in field.schema and value:
        return words_of.say(field.schema, value)
    return date.fromisoformat(value) if field.schema.get("format") == "date" and value else value


def _outcome(code: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("registers:desk-correction", args=[code]))
