"""A person's cases: the list, a case, its receipt, reads, results, supplement and withdrawal."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from onedoor.cases import forms, service
from onedoor.cases.errors import NotIssuedYet, WordsNeeded
from onedoor.cases.held import DECIDED, RESULTS
from onedoor.cases.shown import DECLARED
from onedoor.cases.views import ResultView
from onedoor.kernel.access import IDENTIFIED, access, acting
from onedoor.kernel.ids import read_id
from onedoor.kernel.settings import current as settings
from onedoor.procedures.service import TooLong
from onedoor.store.rows import first_asked


@access(IDENTIFIED)
@require_safe
def cases(request: HttpRequest) -> HttpResponse:
    """List the person's cases and drafts."""
    context = {"dossiers": service.dossiers(acting(request)), "drafts": service.drafts(acting(request))}
    return render(request, "cases/list.html", context)


@access(IDENTIFIED)
@require_safe
def suggested(request: HttpRequest) -> HttpResponse:
    """Show which services are suggested, asked of the registers for which the person agreed to it."""
    return render(request, "cases/suggested.html", {"shown": service.suggestions(acting(request))})


@access(IDENTIFIED)
@first_asked(service.case_first)
@require_safe
def case(request: HttpRequest, code: str) -> HttpResponse:
    """Show where a case stands: clock, steps, results, history."""
    with service.viewing(code, acting(request)) as dossier:
        return render(request, "cases/case.html", {"dossier": dossier, "site": settings().public_url.rstrip("/")})


@access(IDENTIFIED)
@first_asked(service.case_first)
@require_safe
def receipt(request: HttpRequest, code: str) -> HttpResponse:
    """Say that the case was received, its code, and what happens next."""
    with service.viewing(code, acting(request), [DECLARED]) as dossier:
        return render(request, "cases/receipt.html", {"dossier": dossier, "site": settings().public_url.rstrip("/")})


@access(IDENTIFIED)
@first_asked(service.found_first)
@require_safe
def reads(request: HttpRequest, code: str) -> HttpResponse:
    """Show who read which data for this case, the newest reads; the page is begun while the agencies answer."""
    before = read_id(request.GET.get("before", ""))
    language = get_language() or ""
    asked = service.ask_reads(code, acting(request), most=service.READS_PER_PAGE, before=before, language=language)
    return render(request, "cases/reads.html", {"code": code, "asked": asked, "later": bool(before)})


@access(IDENTIFIED)
@first_asked(service.case_first)
@require_safe
def result_about(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """Show a result: who issued it, when, its digest, how to verify it."""
    with service.viewing(code, acting(request), [RESULTS]) as dossier:
        return render(request, "cases/result.html", {"dossier": dossier, "result": _result(dossier.results, kind)})


@access(IDENTIFIED)
@first_asked(service.file_first)
@require_safe
def result_file(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """Give a result's signed file."""
    found = service.result_file(code, kind, acting(request))
    headers = {"Content-Disposition": f'attachment; filename="{found.name}"'}
    return HttpResponse(found.content, content_type="application/pdf", headers=headers)


@access(IDENTIFIED)
@first_asked(service.case_first)
@require_http_methods(["GET", "HEAD", "POST"])
def supplement(request: HttpRequest, code: str) -> HttpResponse:
    """Answer what an officer asked for."""
    actor = acting(request)
    dossier = service.view(code, actor, [DECIDED])
    text, wrong = request.POST.get("text", "").strip(), ""
    if request.method == "POST":
        try:
            service.supplement(code, text, request.POST.get("key", ""), actor, forms.files(request))
            return HttpResponseRedirect(reverse("cases:case", args=[code]))
        except WordsNeeded:
            wrong = _("Write your answer to the officer.")
        except TooLong as fault:
            wrong = fault.text(_)
    context = {"dossier": dossier, "text": text, "wrong": wrong}
    return render(request, "cases/supplement.html", context, status=422 if wrong else 200)


@access(IDENTIFIED)
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Ask once more, then withdraw the case."""
    if request.method == "POST":
        service.withdraw(code, acting(request))
        return HttpResponseRedirect(reverse("cases:case", args=[code]))
    return render(request, "cases/withdraw.html", {"dossier": service.view(code, acting(request), ())})


def _result(results: Sequence[ResultView], kind: str) -> ResultView:
    for result in results:
        if result.kind == kind:
            return result
    raise NotIssuedYet
