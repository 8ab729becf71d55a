"""The officers' desk of a node: the inbox, a task with all one needs to decide, the decision looked over once."""

from dataclasses import dataclass, field
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from onedoor.cases import service
from onedoor.cases.views import InboxView, TaskView, WaysView
from onedoor.cases.words import LONGEST
from onedoor.kernel.access import OFFICER, access, acting
from onedoor.procedures.service import TooLong
from onedoor.store.rows import first_asked

TABS: Final = ("open", "taken", "waiting", "handed_over", "done")
DUES: Final = ("late", "today")
ENDED: Final = ("done", "refused", "withdrawn", "stopped")
MEDIA: Final = {"pdf": "application/pdf", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png"}
UNPROCESSABLE: Final = 422
LONG: Final = 7
"""Digits of a page's number that leads nowhere."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an officer chose on the desk, and what is still missing from it: field to words."""

    kind: str
    text: str = ""
    article: str = ""
    agency: str = ""
    missing: dict[str, str] = field(default_factory=dict)


@access(OFFICER)
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """Show the tasks of the officer's agency and post; lead who issues birth notices to that page."""
    if service.issues_notices(acting(request)):
        return HttpResponseRedirect(reverse("cases:birth-notice"))
    return render(request, "cases/desk.html", _frame(request) | {"task": None})


@access(OFFICER)
@first_asked(service.task_first)
@require_http_methods(["GET", "HEAD", "POST"])
def task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Show a task beside the inbox; on POST show the decision once more before anything is sent."""
    with service.showing(task_id, acting(request)) as view:
        decision = _decision(request, _ways_of(view))
        if request.method == "POST" and not decision.missing:
            return render(request, "cases/decision.html", {"task": view, "decision": decision})
        context = _frame(request, view) | {"task": view, "decision": decision}
        return render(request, "cases/desk.html", context, status=UNPROCESSABLE if decision.missing else 200)


@access(OFFICER)
@require_safe
def file(request: HttpRequest, task_id: str, field: str) -> HttpResponse:
    """Give a file that the applicant sent, to be saved: it is never opened as a page of this site."""
    found = service.file(task_id, field, acting(request))
    media = MEDIA.get(found.name.rpartition(".")[2].lower(), "application/octet-stream")
    headers = {"Content-Disposition": content_disposition_header(True, found.name) or "attachment"}
    return HttpResponse(found.content, content_type=media, headers=headers)


@access(OFFICER)
@require_POST
def decide(request: HttpRequest, task_id: str) -> HttpResponse:
    """Carry out a decision that was looked over."""
    actor = acting(request)
    decision = _decision(request, service.ways(task_id, actor))
    if service.made(task_id, actor, decision.kind, **_said(decision)):
        return _back(task_id)
    if decision.missing:
        return task(request, task_id)
    if decision.kind == "accept":
        service.accept(task_id, actor)
    elif decision.kind == "verify":
        service.verify(task_id, decision.text, actor)
    elif decision.kind == "supplement":
        service.ask_supplement(task_id, decision.text, actor)
    elif decision.kind == "refuse":
        service.refuse(task_id, decision.article, decision.text, actor)
    else:
        service.hand_over(task_id, decision.agency, decision.text, actor)
    return _back(task_id)


@access(OFFICER)
@require_POST
def take(request: HttpRequest, task_id: str) -> HttpResponse:
    """Note that the officer works on the task."""
    service.take(task_id, acting(request))
    return _back(task_id)


@access(OFFICER)
@require_POST
def look(request: HttpRequest, task_id: str) -> HttpResponse:
    """Look into a register for this task; the read is recorded there."""
    actor = acting(request)
    found = service.look(task_id, request.POST.get("look", ""), actor)
    with service.showing(task_id, actor) as view:
        context = _frame(request, view) | {"task": view, "decision": Decision(""), "found": found}
        return render(request, "cases/desk.html", context)


def _frame(request: HttpRequest, view: TaskView | None = None) -> dict[str, object]:
    """Return the inbox beside a task: tab, search and page as the address says."""
    tab = request.GET.get("tab", "")
    due = request.GET.get("due", "")
    number = request.GET.get("page", "1")
    inbox: InboxView = service.inbox(
        acting(request),
        tab=tab if tab in TABS else _tab_of(view),
        query=request.GET.get("q", "").strip()[:100],
        due=due if due in DUES else "",
        page=int(number) if number.isdecimal() and len(number) < LONG else 1,
    )
    kept = {name: request.GET[name] for name in ("tab", "q", "due") if request.GET.get(name)}
    labels = {
        "open": _("To do"),
        "taken": _("Mine"),
        "waiting": _("Waiting for the applicant"),
        "handed_over": _("Handed over"),
        "done": _("Done"),
    }
    return {
        "inbox": inbox,
        "tabs": labels,
        "kept": urlencode(kept),
        "query": request.GET.get("q", ""),
        "due": due,
        "found": None,
    }


def _tab_of(view: TaskView | None) -> str:
    state = view.line.state if view else ""
    return {"supplement": "waiting", "handed_over": "handed_over"}.get(state, "done" if state in ENDED else "open")


def _ways_of(view: TaskView) -> WaysView:
    articles = frozenset(article.id for article in view.articles)
    return WaysView(view.may, articles, frozenset(agency for agency, _name in view.authorities))


def _decision(request: HttpRequest, ways: WaysView) -> Decision:
    """Return the decision that was posted, with what it still needs; nothing was decided on GET."""
    if request.method != "POST" or "edit" in request.POST:
        return _posted(request)
    posted = _posted(request)
    return Decision(posted.kind, posted.text, posted.article, posted.agency, _missing(posted, ways))


def _posted(request: HttpRequest) -> Decision:
    kind, sent = request.POST.get("decision", ""), request.POST
    text = sent.get(f"{kind}_text", "") or sent.get("text", "")
    return Decision(kind, text.strip(), sent.get("article", ""), sent.get("agency", ""))


def _said(decision: Decision) -> dict[str, str]:
    """Return what goes with a decision of its kind."""
    more = {"refuse": {"ground": decision.article}, "hand_over": {"to": decision.agency}}
    return {"text": decision.text, **more.get(decision.kind, {})}


def _missing(decision: Decision, ways: WaysView) -> dict[str, str]:
    if decision.kind not in ways.may:
        return {"decision": _("Choose what you decide.")}
    missing = {}
    if decision.kind != "accept" and not decision.text:
        missing[f"{decision.kind}_text"] = _("Write what the person should know, in words they understand.")
    if len(decision.text) > LONGEST:
        missing[f"{decision.kind}_text"] = TooLong(most=LONGEST).text(_)
    if decision.kind == "refuse" and decision.article not in ways.articles:
        missing["article"] = _("Choose the article the refusal rests on.")
    if decision.kind == "hand_over" and decision.agency not in ways.authorities:
        missing["agency"] = _("Choose the authority that is competent.")
    return missing


def _back(task_id: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("cases:desk-task", args=[task_id]))
