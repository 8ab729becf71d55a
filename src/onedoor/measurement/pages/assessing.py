"""The desk of assessments at the portal: an assessor's sheet, and what the reconciler decides."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from onedoor.kernel.access import OFFICER, access, acting
from onedoor.kernel.errors import NotAllowed
from onedoor.kernel.text import Text
from onedoor.measurement.assessments import assessing, definition, reconciling
from onedoor.measurement.assessments.assessing import Said
from onedoor.measurement.assessments.errors import DecidedSince, NotAllAnswered, NotAllDecided
from onedoor.measurement.assessments.reconciling import Pair
from onedoor.measurement.models import Assessment
from onedoor.measurement.pages.assessments import MODULES

LONGEST_LINK, LONGEST_REASON = 500, 2000
YES, NO = "present", "absent"
Wrong = dict[str, str]


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def listed(request: HttpRequest) -> HttpResponse:
    """Show an assessor what there is to assess, and a reconciler every open assessment; open one."""
    actor = acting(request)
    does, decides = definition.assesses(actor), definition.reconciles(actor)
    if not does and not decides:
        raise NotAllowed
    if request.method == "POST":
        reconciling.open_(request.POST.get("code", "").strip() or request.POST.get("unit", ""), actor)
        return _to("measurement:desk-assessments")
    context = {
        "does": does,
        "decides": decides,
        "own": assessing.to_do(actor) if does else (),
        "open": reconciling.listed(actor) if decides else (),
        "units": definition.units(),
        "unit": _unit,
    }
    return render(request, "measurement/desk_assessments.html", context)


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: HttpRequest, assessment: UUID) -> HttpResponse:
    """Show how far the actor's own sheet is; take it, give it back, or submit it."""
    actor, wrong = acting(request), ""
    if request.method == "POST":
        try:
            match request.POST.get("do"):
                case "take":
                    assessing.take(assessment, actor)
                case "submit":
                    assessing.submit(assessment, actor)
                case "give-back":
                    assessing.give_back(assessment, actor)
                    return _to("measurement:desk-assessments")
            return _to("measurement:desk-assessment", assessment)
        except NotAllAnswered as error:
            wrong = error.text(_)
    own = assessing.sheet(assessment, actor)
    said = assessing.answers(own)
    parts = {
        name: (sum(code in said for code in codes), len(codes)) for name, codes in _modules(own.assessment).items()
    }
    context = {"sheet": own, "name": _unit(own.assessment), "parts": parts, "modules": MODULES, "wrong": wrong}
    return render(request, "measurement/desk_assessment.html", context, status=_status(wrong))


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def part(request: HttpRequest, assessment: UUID, module: str) -> HttpResponse:
    """Show the indicators of one criterion with the actor's own answers, and keep what is answered."""
    actor = acting(request)
    own = assessing.sheet(assessment, actor)
    codes = _modules(own.assessment).get(module)
    if codes is None:
        raise Http404
    said = assessing.answers(own)
    typed = {code: _typed(said.get(code)) for code in codes}
    wrong: Wrong = {}
    if request.method == "POST":
        typed = {code: _posted(request.POST, code) for code in codes}
        found = {code: _read(code, *typed[code], wrong) for code in codes}
        if not wrong:
            assessing.save(assessment, actor, found)
            return _to("measurement:desk-assessment", assessment)
    context = {
        "sheet": own,
        "name": _unit(own.assessment),
        "title": MODULES.get(module, module),
        "indicators": [(code, definition.named(own.assessment.list)[code].name, *typed[code]) for code in codes],
        "wrong": wrong,
        "longest": LONGEST_LINK,
    }
    return render(request, "measurement/desk_part.html", context, status=_status(wrong))


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def differences(request: HttpRequest, assessment: UUID) -> HttpResponse:
    """Show the reconciler where the two differ, keep what is decided and why, and publish once."""
    actor = acting(request)
    row, found = reconciling.opened(assessment, actor)
    typed = {code: _decided(found.decided.get(code)) for code in found.differences}
    marks = _marks(found)
    wrong: Wrong = {}
    if request.method == "POST" and row.published_at is None:
        typed = {code: _decision(request.POST, code, stands, marks[code], wrong) for code, stands in typed.items()}
        if not wrong:
            for code, (choice, reason) in typed.items():
                if choice:
                    present, seen = choice == YES, marks[code]
                    reconciling.decide(assessment, actor, code, present=present, reason=reason, seen=seen)
            if published := _published(request, assessment, wrong):
                return published
            marks = _marks(reconciling.opened(assessment, actor)[1])
    context = {
        "row": row,
        "name": _unit(row),
        "pair": found,
        "names": definition.named(row.list),
        "typed": typed,
        "marks": marks,
        "wrong": wrong,
    }
    return render(request, "measurement/desk_differences.html", context, status=_status(wrong))


def _published(request: HttpRequest, assessment: UUID, wrong: Wrong) -> HttpResponse | None:
    """Publish if that was asked for, and lead on; say in *wrong* what is still undecided."""
    if request.POST.get("do") != "publish":
        return _to("measurement:desk-differences", assessment)
    try:
        reconciling.publish(assessment, acting(request))
    except NotAllDecided as error:
        wrong[f"{error.facts['code']}"] = error.text(_)
        return None
    return _to("measurement:assessment", assessment)


def _modules(row: Assessment) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code in row.codes:
        found.setdefault(code.partition("-")[0], []).append(code)
    return found


def _typed(said: Said | None) -> tuple[str, str]:
    return ((YES if said.present else NO), said.link) if said else ("", "")


def _posted(posted: QueryDict, code: str) -> tuple[str, str]:
    choice = posted.get(code, "")
    return choice if choice in (YES, NO) else "", posted.get(f"{code}-link", "").replace("\0", "").strip()


def _read(code: str, choice: str, link: str, wrong: Wrong) -> Said | None:
    """Return what was answered; say in *wrong* what cannot be used."""
    if link and not _is_address(link):
        wrong[f"{code}-link"] = _("Write an address that begins with https:// or http://, at most 500 letters.")
    elif choice == YES and not link:
        wrong[f"{code}-link"] = _("Write the address where it can be seen.")
    elif link and not choice:
        wrong[code] = _("Say whether it is there, or empty the address.")
    return Said(choice == YES, link) if choice else None


def _is_address(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and len(link) <= LONGEST_LINK


def _decided(decision: Any) -> tuple[str, str]:  # noqa: ANN401 - a decision or None
    return ((YES if decision.present else NO), decision.reason) if decision else ("", "")


def _marks(pair: Pair) -> Mapping[str, str]:
    return {code: reconciling.mark(pair.decided.get(code)) for code in pair.differences}


def _decision(posted: QueryDict, code: str, stands: tuple[str, str], mark: str, wrong: Wrong) -> tuple[str, str]:
    """Return what was decided; say in *wrong* what cannot be used, and return what *stands* where the form is old."""
    choice = posted.get(code, "")
    reason = posted.get(f"{code}-reason", "").replace("\0", "").strip()[:LONGEST_REASON]
    said = choice if choice in (YES, NO) else "", reason
    if said != stands and posted.get(f"{code}-seen", "") != mark:
        wrong[code] = DecidedSince(code=code).text(_)
        return stands
    if said[0] and not reason:
        wrong[f"{code}-reason"] = _("Write why.")
    return said


def _unit(row: Assessment) -> Text | str:
    found = reconciling.unit_of(row.unit)
    return (found.full_name or found.name) if found else row.unit


def _status(wrong: object) -> HTTPStatus:
    return HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK


def _to(name: str, *arguments: object) -> HttpResponse:
    return HttpResponseRedirect(reverse(name, args=arguments))
