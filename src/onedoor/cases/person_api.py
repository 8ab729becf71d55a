"""A person's own dossiers as JSON, for programs that the person signed in."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from onedoor.cases import service
from onedoor.cases.file import DossierView
from onedoor.cases.views import ResultView, StepView
from onedoor.kernel.access import IDENTIFIED, access, acting
from onedoor.privacy.service import ReadView


@access(IDENTIFIED)
@require_safe
def case(request: HttpRequest, code: str) -> JsonResponse:
    """Answer with a dossier: its state, steps, results, and how many facts were reused and questions asked.

    Names and titles are in every language of the nation; times are ISO 8601 with offset. Another person's dossier is
    not found. The reads are at ``…/reads``, for they are asked of every agency.
    """
    view = service.view(code, acting(request), ())
    return JsonResponse(_case(request, view), json_dumps_params={"ensure_ascii": False})


@access(IDENTIFIED)
@require_safe
def reads(request: HttpRequest, code: str) -> JsonResponse:
    """Answer with every read of personal data for a dossier, and the agencies that did not answer."""
    found = service.reads(code, acting(request))
    body = {"reads": [_read(one) for one in found.reads], "silent": [dict(name) for name in found.silent]}
    return JsonResponse(body, json_dumps_params={"ensure_ascii": False})


def _case(request: HttpRequest, view: DossierView) -> dict[str, Any]:
    return {
        "case": view.code,
        "service": view.service,
        "version": view.version,
        "code": view.service_code,
        "state": view.state,
        "submitted_at": view.clock.submitted_at.isoformat(),
        "due": view.clock.due.isoformat(),
        "steps": [_step(one) for one in view.steps],
        "results": [_result(request, view, one) for one in view.results],
        "facts_reused": view.reused,
        "questions_asked": view.asked,
    }


def _step(step: StepView) -> dict[str, Any]:
    return {
        "id": step.id,
        "title": dict(step.title),
        "state": step.state,
        "agency": step.agency,
        "due": step.due.isoformat() if step.due else None,
    }


def _result(request: HttpRequest, view: DossierView, result: ResultView) -> dict[str, Any]:
    return {
        "kind": result.kind,
        "title": dict(result.title),
        "agency": result.agency,
        "issued_at": result.issued_at.isoformat(),
        "sha256": result.sha256,
        "file": request.build_absolute_uri(reverse("cases:result", args=[view.code, result.kind])),
        "verify_url": result.verify_url,
    }


def _read(line: ReadView) -> dict[str, Any]:
    return {
        "by": dict(line.agency_text),
        "user": line.by_user,
        "register": line.register,
        "operation": line.operation,
        "purpose": line.purpose,
        "basis": line.basis,
        "fields": list(line.fields),
        "moment": line.moment.isoformat(),
        "refused": line.refused,
        "record": line.record,
    }


plain = [path("api/cases/<str:code>", case), path("api/cases/<str:code>/reads", reads)]
"""What ``urls.py`` of the room mounts at the portal, outside the languages."""
