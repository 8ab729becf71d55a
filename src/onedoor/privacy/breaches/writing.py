"""The agency's side: a breach is found, written down, notified once within its limit, and added to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from onedoor.kernel import clock, nation
from onedoor.kernel.actor import SYSTEM, Actor
from onedoor.kernel.ids import case_code
from onedoor.privacy.breaches import acts, definition, rules
from onedoor.privacy.breaches.errors import (
    FoundLater,
    NoBreachLaw,
    NoSuchBreach,
    NotFoundYet,
    NotReportedYet,
    ReasonNeeded,
)
from onedoor.privacy.breaches.models import Breach, BreachAct
from onedoor.privacy.errors import NotPermitted
from onedoor.privacy.events import BreachAcknowledged, BreachFound, BreachOverdue, BreachReported
from onedoor.privacy.records import refused
from onedoor.privacy.tasks import report_breach
from onedoor.store import outbox, sealed
from onedoor.store.locks import one_at_a_time
from onedoor.store.sealed import Place

Typed = Mapping[str, Any]
"""What stands in the form, by field."""


def admit(actor: Actor) -> str:
    """Return the system of an actor who may give notice of their agency's breaches; raise `NotPermitted`, recorded."""
    system = definition.system_of(actor.agency)
    reader = definition.reader_of(system, actor.post)
    if not definition.may_report(actor) or not definition.may_use(reader):
        refused(reader, definition.SERVICE, "report", (), "not-granted", ())
        raise NotPermitted(reason="not-granted", register=definition.SERVICE)
    return system


def listed(actor: Actor) -> list[Breach]:
    """Return the breaches of the actor's agency, those without a notice first, the one due first on top."""
    admit(actor)
    found = list(Breach.objects.filter(agency=actor.agency))
    far = clock.now()
    return sorted(found, key=lambda one: (one.reported is not None, one.due or far, one.code))


def start(actor: Actor, key: str, typed: Typed) -> Breach:
    """Open a breach of the actor's agency, once for each *key*, with what stands in the form already."""
    admit(actor)
    now = clock.now()
    with transaction.atomic():
        one_at_a_time(f"privacy.breach:{actor.agency}:{key}")
        if before := Breach.objects.filter(agency=actor.agency, key=key).first():
            return before
        breach = Breach(code=case_code(nation.current().calendar.local(now)), agency=actor.agency, key=key)
        breach.by, breach.opened = actor.post, now
        _write(breach, typed)
        breach.save(force_insert=True)
        _act(breach, BreachAct.OPENED, breach.by, {"agency": breach.agency}, key=key, moment=now)
    return breach


def of_desk(code: str, actor: Actor, *, lock: bool = False) -> Breach:
    """Return a breach of the actor's own agency; raise `NoSuchBreach`."""
    admit(actor)
    rows = Breach.objects.select_for_update() if lock else Breach.objects
    found = rows.filter(code=code, agency=actor.agency).first()
    if found is None:
        raise NoSuchBreach
    return found


def typed(breach: Breach) -> dict[str, Any]:
    """Return what stands in the form."""
    found: dict[str, Any] = sealed.unseal(bytes(breach.sealed), place=_place(breach))
    return found


@transaction.atomic
def save(code: str, actor: Actor, typed: Typed) -> Breach:
    """Keep what stands in the form, whatever it is, until the notice is sent; return the breach."""
    breach = of_desk(code, actor, lock=True)
    if breach.reported is None:
        _write(breach, typed)
        breach.save()
    return breach


@transaction.atomic
def find(code: str, actor: Actor, found: datetime) -> Breach:
    """Set the clock of a breach going since it was *found*; raise `NoBreachLaw` or `FoundLater`."""
    breach = of_desk(code, actor, lock=True)
    if breach.found == found or breach.reported is not None:
        return breach
    if not rules.may_be_found(breach.found, found):
        raise FoundLater
    layer = definition.layer_of(found)
    if layer is None:
        raise NoBreachLaw
    first, breach.found, breach.due = breach.found is None, found, definition.due_of(found, layer)
    breach.save()
    said = {"found": found.isoformat(), "due": breach.due.isoformat(), "laws": list(layer.laws)}
    _act(breach, BreachAct.FOUND, actor.post, said, key=found.isoformat())
    if first:
        outbox.state(BreachFound(by=actor, code=code, agency=breach.agency, found=found))
    return breach


@transaction.atomic
def send(code: str, actor: Actor, said: Mapping[str, Any]) -> Breach:
    """Give notice, once however often it is sent; raise `NotFoundYet`, or `ReasonNeeded` when it is late."""
    breach = of_desk(code, actor, lock=True)
    if breach.reported is not None:
        return breach
    if breach.due is None:
        raise NotFoundYet
    now = clock.now()
    late = rules.is_late(now, breach.due)
    if late and not said.get("why_late"):
        raise ReasonNeeded
    breach.reported = now
    breach.save()
    notice = {name: said[name] for name in acts.NOTICE if said.get(name)}
    act = _act(breach, BreachAct.REPORTED, actor.post, notice, moment=now)
    outbox.state(BreachReported(by=actor, code=code, agency=breach.agency, late=late))
    report_breach.defer(act=str(act.id))
    return breach


@transaction.atomic
def add(code: str, actor: Actor, words: str, *, key: str) -> None:
    """Add *words* to a notice that was sent, once for each *key*; nothing that was said is overwritten."""
    breach = of_desk(code, actor, lock=True)
    if breach.reported is None:
        raise NotReportedYet
    if not BreachAct.objects.filter(code=code, kind=BreachAct.SUPPLEMENTED, key=key).exists():
        act = _act(breach, BreachAct.SUPPLEMENTED, actor.post, {"what": words}, key=key)
        report_breach.defer(act=str(act.id))


def acknowledged(code: str, system: str, user: str, moment: datetime) -> None:
    """Hear that the authority's *user* has acknowledged the notice of a breach of this *system* ("" for any), then."""
    with transaction.atomic():
        breach = Breach.objects.select_for_update().filter(code=code, reported__isnull=False).first()
        if breach is None or system not in ("", definition.system_of(breach.agency)):
            raise NoSuchBreach
        if breach.acknowledged is None:
            breach.acknowledged = moment
            breach.save()
            _act(breach, BreachAct.ACKNOWLEDGED, user, {"acknowledged": moment.isoformat()})
            duty = definition.duty()
            by = Actor(post=user, agency=duty.authority if duty else "")
            outbox.state(BreachAcknowledged(by=by, code=code, agency=breach.agency))


def look_for_overdue() -> None:
    """State, once for each, that the limit of a breach has passed without a notice."""
    for code in Breach.objects.filter(reported=None, overdue=None, due__lt=clock.now()).values_list("code", flat=True):
        with transaction.atomic():
            breach = Breach.objects.select_for_update().get(code=code)
            if breach.reported is None and breach.overdue is None:
                breach.overdue = clock.now()
                breach.save()
                _act(breach, BreachAct.OVERDUE, SYSTEM.post, {"overdue": breach.overdue.isoformat()})
                outbox.state(BreachOverdue(by=SYSTEM, code=code, agency=breach.agency))


def _act(
    breach: Breach, kind: str, by: str, said: Mapping[str, Any], *, key: str = "", moment: datetime | None = None
) -> BreachAct:
    system = definition.system_of(breach.agency)
    return acts.keep(system, breach.code, kind, by=by, moment=moment or clock.now(), said=said, key=key)


def _write(breach: Breach, typed: Typed) -> None:
    subject = acts.subject(definition.system_of(breach.agency), breach.code)
    breach.sealed = sealed.seal(dict(typed), subject=subject, place=_place(breach))


def _place(breach: Breach) -> Place:
    return Place("privacy_breach", "sealed", breach.code)
