"""The form of a service, one thing per page: begin, answer, look over, submit."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from onedoor.cases import forms, service
from onedoor.cases.errors import BadAnswers, NoDraft
from onedoor.cases.views import AnswerView, DraftView, PageView
from onedoor.kernel import clock, nation
from onedoor.kernel.access import IDENTIFIED, access, acting
from onedoor.kernel.errors import NotFound
from onedoor.procedures import service as procedures
from onedoor.registers import service as registers

UNPROCESSABLE = 422


@access(IDENTIFIED)
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, service_id: str) -> HttpResponse:
    """Say which registers will be asked; begin on POST. A draft already begun goes on."""
    if request.method == "POST":
        return _onward(service.begin(service_id, acting(request)))
    try:
        return _onward(service.resume(service_id, acting(request)))
    except NoDraft:
        today = clock.now().astimezone(nation.current().calendar.tz).date()
        return render(request, "cases/start.html", {"service": procedures.in_force(service_id, today)})


@access(IDENTIFIED)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, service_id: str, page_id: str) -> HttpResponse:
    """Ask one page of the form; store its answers on POST."""
    found = service.draft if request.method == "POST" else service.resume
    draft = found(service_id, acting(request))
    view = _page(draft, page_id)
    if view == forms.closing(draft):
        return HttpResponseRedirect(reverse("cases:review", args=[service_id]))
    if request.method != "POST":
        return _show(request, draft, view)
    raw = forms.typed(request, view.questions)
    try:
        draft = service.answer(service_id, page_id, raw, acting(request), forms.files(request))
    except BadAnswers as wrong:
        return _show(request, service.draft(service_id, acting(request)), view, raw, wrong)
    if "save" in request.POST:
        return HttpResponseRedirect(reverse("cases:saved", args=[service_id]))
    return _onward(draft, _page(draft, page_id))


@access(IDENTIFIED)
@require_POST
def dispute(request: HttpRequest, service_id: str, page_id: str) -> HttpResponse:
    """Take note that a fact is not right: its questions are asked from now on; or that it is right after all."""
    right = request.POST.get("right", "")
    draft = service.dispute(service_id, right or request.POST.get("wrong", ""), acting(request), right=bool(right))
    return HttpResponseRedirect(reverse("cases:page", args=[service_id, _page(draft, page_id).id]))


@access(IDENTIFIED)
@require_POST
def refresh(request: HttpRequest, service_id: str, page_id: str) -> HttpResponse:
    """Ask again for the facts that could not be fetched."""
    draft = service.refresh(service_id, acting(request))
    return HttpResponseRedirect(reverse("cases:page", args=[service_id, _page(draft, page_id).id]))


@access(IDENTIFIED)
@require_safe
def saved(request: HttpRequest, service_id: str) -> HttpResponse:
    """Say that the draft is kept, until when, and how to go on."""
    return render(request, "cases/saved.html", {"draft": service.draft(service_id, acting(request))})


@access(IDENTIFIED)
@require_POST
def discard(request: HttpRequest, service_id: str) -> HttpResponse:
    """Throw the draft away."""
    service.discard(service_id, acting(request))
    return HttpResponseRedirect(reverse("cases:list"))


@access(IDENTIFIED)
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, service_id: str) -> HttpResponse:
    """Show all that would be submitted; submit on POST, once for each draft however often it is sent."""
    if request.method == "POST":
        return _submit(request, service_id)
    draft, declared = service.review(service_id, acting(request))
    closing = forms.closing(draft)
    if not draft.barred and draft.next_page not in ("", closing.id if closing else ""):
        return _onward(draft)
    return _review(request, draft, closing, declared)


def _submit(request: HttpRequest, service_id: str) -> HttpResponse:
    """Take what the review itself asks, then submit; sent again after that, it leads to the same case.

    What was changed since it was looked over, in another tab, is looked over again.
    """
    actor = acting(request)
    try:
        draft, declared = service.review(service_id, actor)
        closing = forms.closing(draft)
        said = _said(_looked_over(declared, closing))
        if request.POST.get("said", said) != said:
            return HttpResponseRedirect(reverse("cases:review", args=[service_id]))
        if closing:
            service.answer(service_id, closing.id, forms.typed(request, closing.questions), actor)
    except NoDraft:
        pass
    except BadAnswers as wrong:
        return _review(request, draft, closing, declared, wrong)
    dossier = service.submit(service_id, request.POST.get("key", ""), actor)
    return HttpResponseRedirect(reverse("cases:receipt", args=[dossier.code]))


def _review(
    request: HttpRequest,
    draft: DraftView,
    closing: PageView | None,
    declared: Sequence[AnswerView],
    wrong: BadAnswers | None = None,
) -> HttpResponse:
    questions = closing.questions if closing else ()
    lines = _looked_over(declared, closing)
    asked = forms.asked(questions, {}, wrong.errors if wrong else None)
    context = {
        "draft": draft,
        "closing": closing,
        "asked": asked,
        "wrong": [one for one in asked if one.wrong],
        "declared": lines,
        "said": _said(lines),
        "pages": _where(draft),
    }
    return render(request, "cases/review.html", context, status=UNPROCESSABLE if wrong else 200)


def _looked_over(declared: Sequence[AnswerView], closing: PageView | None) -> Sequence[AnswerView]:
    """Return the lines of a declaration but those that the review itself asks."""
    names = {question.name for question in closing.questions} if closing else set()
    return [line for line in declared if line.name not in names]


def _said(lines: Sequence[AnswerView]) -> str:
    """Return a digest of what *lines* say."""
    plain = [[line.name, dict(line.value), line.disputed] for line in lines]
    return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _page(draft: DraftView, page_id: str) -> PageView:
    try:
        return draft.page(page_id)
    except KeyError:
        raise NotFound from None


def _onward(draft: DraftView, after: PageView | None = None) -> HttpResponse:
    """Go to the page after *after*, or to the first one still to answer, or to the review."""
    closing = forms.closing(draft)
    following = (after.next if after else "") or draft.next_page
    if following and not (closing and following == closing.id):
        return HttpResponseRedirect(reverse("cases:page", args=[draft.service, following]))
    return HttpResponseRedirect(reverse("cases:review", args=[draft.service]))


def _where(draft: DraftView) -> Mapping[str, str]:
    """Return for the name of each question and each known fact the page that asks or shows it."""
    facts = {fact.name: view.id for view in draft.pages for fact in view.facts}
    return facts | {question.name: view.id for view in draft.pages for question in view.questions}


def _show(
    request: HttpRequest,
    draft: DraftView,
    view: PageView,
    raw: Mapping[str, Any] | None = None,
    wrong: BadAnswers | None = None,
) -> HttpResponse:
    asked = forms.asked(view.questions, raw, wrong.errors if wrong else None)
    context = {
        "draft": draft,
        "view": view,
        "closing": forms.closing(draft),
        "asked": asked,
        "wrong": [one for one in asked if one.wrong],
        "correctable": registers.correctable(),
    }
    return render(request, "cases/page.html", context, status=UNPROCESSABLE if wrong else 200)
