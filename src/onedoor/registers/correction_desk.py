"""The owner's desk: what people say is wrong in its registers, decided within the limit."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from onedoor.kernel import clock
from onedoor.kernel.access import OFFICER, access, acting
from onedoor.registers import corrections
from onedoor.registers.definition import registers
from onedoor.registers.errors import BadRecord

UNPROCESSABLE = 422
LONGEST = 2000


@access(OFFICER)
@never_cache
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Show what is to be decided, the one due first on top."""
    context = {"corrections": corrections.at_desk(acting(request)), "registers": registers(), "now": clock.now()}
    return render(request, "registers/desk_corrections.html", context)


@access(OFFICER)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: HttpRequest, code: str) -> HttpResponse:
    """Show a request, once that look is on record, and take the decision on it."""
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
                return HttpResponseRedirect(reverse("registers:desk-corrections"))
            except BadRecord as error:
                wrong["decision"] = error.text(_)
    opened = corrections.opened(code, actor)
    register = registers()[opened.correction.register]
    context = {
        "sheet": opened,
        "register": register,
        "field": register.fields[opened.correction.field],
        "wrong": wrong,
        "words": words,
        "decision": decision,
    }
    return render(request, "registers/desk_correction.html", context, status=UNPROCESSABLE if wrong else 200)
