"""The desk: an agency's breaches with their clocks, the notice, whom a breach touched; the authority's notices."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from onedoor.kernel import clock, nation
from onedoor.kernel.access import OFFICER, access, acting
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import NotAllowed
from onedoor.kernel.ids import key_of_form, uuid7
from onedoor.kernel.text import Text
from onedoor.privacy import rights
from onedoor.privacy.breaches import acts, authority, definition, forms, rules, touched, writing
from onedoor.privacy.breaches.errors import FoundLater, NoBreachLaw, ReasonNeeded
from onedoor.privacy.breaches.forms import Form
from onedoor.privacy.breaches.models import Breach, BreachAct
from onedoor.privacy.events import ManyPersonsRead
from onedoor.store.models import StatedEvent

ALARMS: Final = timedelta(days=30)
"""How long the desk offers to start a notice from an alarm."""


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def listed(request: HttpRequest) -> HttpResponse:
    """Show the agency's breaches with their clocks, and to the authority what came in; start one."""
    actor = acting(request)
    reports, takes = definition.may_report(actor), definition.is_authority(actor)
    if not reports and not takes:
        raise NotAllowed
    if request.method == "POST":
        breach = _start(actor, request.POST.get("alarm", ""), request.POST.get("key", ""))
        return _to("privacy:desk-breach", breach.code)
    own = writing.listed(actor) if reports else []
    context = {
        "reports": reports,
        "takes": takes,
        "breaches": [(one, _left(one), _late(one)) for one in own],
        "received": [(one, authority.is_late(one)) for one in (authority.listed(actor) if takes else ())],
        "alarms": _alarms(own) if reports else [],
        "agencies": nation.current().agencies,
        "hours_since": _hours_since,
        "key": str(uuid7()),
    }
    return render(request, "privacy/desk_breaches.html", context)


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: HttpRequest, code: str) -> HttpResponse:
    """Show what is written of a breach, keep what is typed whatever it is, and send the notice once."""
    actor = acting(request)
    breach = writing.of_desk(code, actor)
    form = Form(writing.typed(breach))
    if request.method == "POST" and breach.reported is None:
        form = Form(forms.typed(request.POST))
        breach = _kept(breach, actor, form)
        if request.POST.get("do") == "send" and _sent(breach, actor, form):
            return _to("privacy:desk-breach", code)
        if not form.wrong:
            return _to("privacy:desk-breach", code, query="?saved=yes")
    if breach.reported is not None:
        return render(request, "privacy/desk_breach.html", _told(breach))
    context = {
        "breach": breach,
        "left": _left(breach),
        "late": _late(breach),
        "typed": {name: form.typed.get(name, "") for name in (*forms.TEXTS, "kinds")},
        "kinds": forms.kinds_of(definition.system_of(breach.agency)),
        "registers": forms.register_names(),
        "wrong": form.wrong,
        "saved": "saved" in request.GET,
        "layer": definition.layer_of(breach.found) if breach.found else None,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.wrong else HTTPStatus.OK
    return render(request, "privacy/desk_breach_form.html", context, status=status)


@access(OFFICER)
@require_POST
def add(request: HttpRequest, code: str) -> HttpResponse:
    """Add something to a notice that was sent."""
    actor, words = acting(request), request.POST.get("words", "").replace("\0", "").strip()[: forms.LONGEST]
    if not words:
        breach = writing.of_desk(code, actor)
        context = _told(breach) | {"wrong": {"words": _("Write what is to be added.")}}
        return render(request, "privacy/desk_breach.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    writing.add(code, actor, words, key=key_of_form(request.POST.get("key", "")))
    return _to("privacy:desk-breach", code)


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def persons(request: HttpRequest, code: str) -> HttpResponse:
    """Name the reads that were unlawful or leaked, see how many persons they touched, and have those told."""
    actor = acting(request)
    breach = writing.of_desk(code, actor)
    posted = request.POST if request.method == "POST" else {}
    kept = writing.typed(breach)
    form = Form(forms.scope_typed(posted, kept.get("scope") or {}))
    words, contact = _words(request), posted.get("contact", kept.get("contact", ""))[: forms.LONGEST]
    tells = request.POST.get("do") == "tell"
    number = scope = None
    if request.method == "POST" and (scope := forms.scope(form, posted.get("counted", "") if tells else "")):
        if tells:
            form.wrong |= _wrong_words(words, contact)
            if not form.wrong:
                said = {language: text for language, text in words.items() if text}
                touched.tell(code, actor, scope, said, contact, key=key_of_form(request.POST.get("key", "")))
                return _to("privacy:desk-breach", code)
        number = touched.count(code, actor, scope)
    context = {
        "breach": breach,
        "typed": form.typed,
        "wrong": form.wrong,
        "number": number,
        "counted": scope.until.isoformat() if scope else "",
        "words": words,
        "contact": contact,
        "key": key_of_form(request.POST.get("key", "")),
        "readers": forms.readers(),
        "purposes": rights.purposes().values(),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.wrong else HTTPStatus.OK
    return render(request, "privacy/desk_breach_persons.html", context, status=status)


@access(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def received(request: HttpRequest, received: UUID) -> HttpResponse:
    """Show the authority a notice with all that was added to it, and take its acknowledgement."""
    actor = acting(request)
    if request.method == "POST":
        authority.acknowledge(received, actor)
        return _to("privacy:desk-breach-received", received)
    row, parts = authority.opened(received, actor)
    context = {
        "row": row,
        "parts": parts,
        "late": authority.is_late(row),
        "agency": nation.current().agencies[row.agency],
        "names": forms.kind_names(),
        "moment_of": _moment_of,
    }
    return render(request, "privacy/desk_breach_received.html", context)


def _start(actor: Actor, alarm: str, key: str) -> Breach:
    """Open a breach; from an alarm with when it was raised, and which reads it is about."""
    raised = StatedEvent.objects.filter(name=ManyPersonsRead.name())
    found = raised.filter(id=event).first() if (event := _uuid(alarm)) else None
    if found is None:
        return writing.start(actor, key_of_form(key), {})
    data = found.data
    since = found.stated_at - timedelta(minutes=int(data["minutes"]))
    scope = {"client": data["client"], "user": data["user"], "since": forms.written(since)}
    scope["to"] = forms.written(found.stated_at)
    breach = writing.start(actor, f"alarm:{found.id}", {"found": forms.written(found.stated_at), "scope": scope})
    if breach.found is None:
        writing.find(breach.code, actor, found.stated_at)
    return breach


def _alarms(own: list[Breach]) -> list[tuple[StatedEvent, Text]]:
    """Return the alarms of the last days that no breach of the agency was started from, with who read."""
    started = {one.key for one in own}
    found = StatedEvent.objects.filter(name=ManyPersonsRead.name(), stated_at__gte=clock.now() - ALARMS)
    names = forms.readers()
    return [
        (one, names.get(one.data["client"], {}))
        for one in found.order_by("-stated_at")
        if f"alarm:{one.id}" not in started
    ]


def _kept(breach: Breach, actor: Actor, form: Form) -> Breach:
    """Keep what is typed, whatever it is; set the clock going by what is said of when it was found."""
    scope = writing.typed(breach).get("scope")
    breach = writing.save(breach.code, actor, form.typed | ({"scope": scope} if scope else {}))
    try:
        if found := forms.found_at(form):
            # What is shown of it has no seconds: typed again it is the same moment.
            if breach.found and forms.written(breach.found) == forms.written(found):
                return breach
            return writing.find(breach.code, actor, found)
    except (FoundLater, NoBreachLaw) as error:
        form.wrong["found"] = error.text(_)
    return breach


def _sent(breach: Breach, actor: Actor, form: Form) -> bool:
    kinds = {key for one in forms.kinds_of(definition.system_of(breach.agency)).values() for key in one}
    forms.read(form, kinds=kinds, late=_late(breach))
    if form.wrong:
        return False
    try:
        writing.send(breach.code, actor, form.said)
    except ReasonNeeded as error:
        form.wrong["why_late"] = error.text(_)
        return False
    return True


def _told(breach: Breach) -> dict[str, Any]:
    """Return what the page of a sent notice shows."""
    system = definition.system_of(breach.agency)
    return {
        "breach": breach,
        "late": _late(breach),
        "parts": acts.parts(system, breach.code, BreachAct.REPORTED, BreachAct.SUPPLEMENTED),
        "tellings": touched.tellings(breach),
        "names": forms.kind_names(),
        "moment_of": _moment_of,
        "key": str(uuid7()),
        "wrong": {},
    }


def _words(request: HttpRequest) -> dict[str, str]:
    posted = request.POST
    return {
        one: posted.get(f"words-{one}", "").replace("\0", "").strip()[: forms.LONGEST]
        for one in nation.current().languages
    }


def _wrong_words(words: dict[str, str], contact: str) -> dict[str, str]:
    first = next(iter(words))
    wrong = {} if words[first] else {f"words-{first}": _("Write what the persons will read.")}
    return wrong if contact.strip() else wrong | {"contact": _("Say whom one can ask.")}


def _left(breach: Breach) -> int | None:
    """Return the whole hours left for a notice; None once there is one, or as long as no clock runs."""
    return rules.hours_left(breach.due, clock.now()) if breach.due and breach.reported is None else None


def _late(breach: Breach) -> bool:
    return breach.due is not None and rules.is_late(breach.reported or clock.now(), breach.due)


def _hours_since(moment: Any) -> int:  # noqa: ANN401 - a template asks
    return int((clock.now() - moment).total_seconds() // 3600)


def _moment_of(text: str) -> Any:  # noqa: ANN401 - a template asks
    return datetime.fromisoformat(text)


def _to(name: str, *arguments: object, query: str = "") -> HttpResponse:
    return HttpResponseRedirect(reverse(name, args=arguments) + query)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
