"""Published assessments of units: their values, agreement and evidence, for everybody and to take along."""

import csv
import io
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from onedoor.kernel import nation
from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.text import Text, cell, gettext_noop, pick
from onedoor.measurement.assessments import definition, results
from onedoor.measurement.assessments.results import Line, Result, Summary
from onedoor.measurement.pages import kept, words

A_PAGE = 25
DIGITS = 4
"""Decimals of a value, as the United Nations publish them."""
MODULES: Mapping[str, str] = {
    "IF": gettext_noop("Institutional framework"),
    "CP": gettext_noop("Content provision"),
    "SP": gettext_noop("Services provision"),
    "PE": gettext_noop("Participation and engagement"),
    "EGL": gettext_noop("E-government literacy"),
    "TEC": gettext_noop("Technology"),
}
COLUMNS = ("code", "indicator", "present", "first", "first_link", "second", "second_link", "decision", "reason")


@access(PUBLIC)
@require_safe
def assessments(request: HttpRequest) -> HttpResponse:
    """Show the assessments that were published, the last first."""
    said = definition.duties()
    if said is None:
        raise Http404
    listed, count = definition.listed(said.list), results.count()
    page = Paginator(range(count), A_PAGE).get_page(request.GET.get("page"))

    def context() -> Mapping[str, Any]:
        return {
            "title": _said(listed.name),
            "list": listed,
            "page": page,
            "found": results.published((page.number - 1) * A_PAGE, A_PAGE),
            "value": _value,
            "kappa": _kappa,
            "illustrative": said.illustrative,
        }

    key = nation.current().path, count, page.number
    return kept.page(request, "measurement/assessments.html", key, context)


@access(PUBLIC)
@require_safe
def assessment(request: HttpRequest, assessment: UUID) -> HttpResponse:
    """Show a published assessment: each indicator, what the two assessors said, and what was decided."""
    row = results.row(assessment)

    def context() -> Mapping[str, Any]:
        found = results.of(row)
        told = {"title": f"{_said(found.name)}: {_said(found.list.name)}", "name": _said(found.name)}
        return told | {"one": found, "modules": MODULES, "value": _value(found), "kappa": _kappa(found)}

    return kept.page(request, "measurement/assessment.html", (nation.current().path, row.pk), context)


@access(PUBLIC)
@require_safe
def assessment_export(_request: HttpRequest, assessment: UUID, kind: str) -> HttpResponse:
    """Give a published assessment as JSON or CSV."""
    if kind not in ("json", "csv"):
        raise Http404
    found = results.of(results.row(assessment))
    if kind == "json":
        return JsonResponse(_plain(found), json_dumps_params={"ensure_ascii": False})
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    lines = (_line(one) for one in found.lines)
    writer.writerows({name: cell(one) if isinstance(one, str) else one for name, one in line.items()} for line in lines)
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")


def _value(found: Summary) -> str:
    return words.number(words.exactly(found.value, DIGITS))


def _kappa(found: Summary) -> str:
    beyond = found.agreement.kappa
    return words.NOTHING if beyond is None else words.number(words.exactly(beyond, 2)).replace("-", words.MINUS)


def _plain(found: Result) -> dict[str, Any]:
    """Return an assessment for JSON: decimals as strings, ``kappa`` null where chance alone agrees on all."""
    agreed, moment = found.agreement, found.row.published_at
    return {
        "assessment": str(found.row.pk),
        "list": found.row.list,
        "unit": found.row.unit,
        "name": _said(found.name),
        "published": moment.isoformat() if moment else "",
        "entry": found.row.entry,
        "value": str(words.exactly(found.value, DIGITS)),
        "present": found.present,
        "indicators": len(found.row.codes),
        "agree": agreed.same,
        "agreement": str(words.exactly(agreed.share, DIGITS)),
        "kappa": None if agreed.kappa is None else str(words.exactly(agreed.kappa, DIGITS)),
        "source": _said(found.list.source),
        "answers": [_line(one) for one in found.lines],
    }


def _line(one: Line) -> dict[str, Any]:
    decided = one.decision
    return {
        "code": one.code,
        "indicator": _said(one.name),
        "present": one.present,
        "first": one.first.present,
        "first_link": one.first.link,
        "second": one.second.present,
        "second_link": one.second.link,
        "decision": decided.present if decided else None,
        "reason": decided.reason if decided else "",
    }


def _said(text: Text | str) -> str:
    return text if isinstance(text, str) else pick(text, words.language())


def said_of_it() -> str:
    """Return what the start of the section says of assessments."""
    return _("By two assessors who do not see each other’s answers, and a third where they differ")
