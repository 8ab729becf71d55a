"""The authority's side: notices of breaches come in, are read at its desk, and acknowledged once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import BadInput
from onedoor.kernel.said import said
from onedoor.privacy.breaches import acts, definition, rules
from onedoor.privacy.breaches.errors import NoSuchBreach, ReasonNeeded
from onedoor.privacy.breaches.models import BreachAct, ReceivedBreach
from onedoor.privacy.tasks import answer_breach
from onedoor.store.locks import one_at_a_time


def receive(system: str, user: str, body: Mapping[str, Any]) -> ReceivedBreach:
    """Take one part of a notice that *user* of *system* gives, once; a notice that is late says why.

    Raise `BadInput` when it is about an agency of another system.
    """
    if definition.system_of(body["agency"]) != system:
        raise BadInput(what=said("it is about an agency of another system"))
    found, reported = datetime.fromisoformat(body["found"]), datetime.fromisoformat(body["reported"])
    if found > reported:
        raise BadInput(what=said("it was given before the breach was found"))
    layer = definition.layer_of(found)
    due = definition.due_of(found, layer) if layer else None
    if body["kind"] == BreachAct.REPORTED and due and rules.is_late(reported, due) and not body["said"].get("why_late"):
        raise ReasonNeeded
    with transaction.atomic():
        one_at_a_time(f"privacy.received:{system}:{body['code']}")
        notice = {"agency": body["agency"], "found": found, "due": due, "reported": reported, "received": clock.now()}
        row, new = ReceivedBreach.objects.get_or_create(system=system, code=body["code"], defaults=notice)
        if row.agency != body["agency"]:
            raise BadInput(what=said("the notice with this code is of another agency"))
        if not BreachAct.objects.filter(
            system=system, code=row.code, kind=BreachAct.RECEIVED, key=body["part"]
        ).exists():
            told = {"kind": body["kind"], **body["said"], **({"notice": acts.notice(row)} if new else {})}
            kept = {"by": user, "moment": clock.now(), "said": told, "key": body["part"]}
            acts.keep(system, row.code, BreachAct.RECEIVED, **kept)
    return row


def listed(actor: Actor) -> list[ReceivedBreach]:
    """Return the notices that came in, those without an answer first, the one found first on top."""
    _admit(actor)
    return sorted(ReceivedBreach.objects.all(), key=lambda one: (one.acknowledged is not None, one.found))


def opened(received: UUID, actor: Actor) -> tuple[ReceivedBreach, list[tuple[BreachAct, dict[str, Any]]]]:
    """Return a notice with its parts and what they say, in their order; raise `NoSuchBreach`."""
    _admit(actor)
    row = ReceivedBreach.objects.filter(id=received).first()
    if row is None:
        raise NoSuchBreach
    return row, acts.parts(row.system, row.code, BreachAct.RECEIVED)


@transaction.atomic
def acknowledge(received: UUID, actor: Actor) -> ReceivedBreach:
    """Acknowledge a notice, once; its system is told."""
    _admit(actor)
    row = ReceivedBreach.objects.select_for_update().filter(id=received).first()
    if row is None:
        raise NoSuchBreach
    if row.acknowledged is None:
        row.acknowledged, row.acknowledged_by = clock.now(), actor.post
        row.save()
        acts.keep(row.system, row.code, BreachAct.ANSWERED, by=actor.post, moment=row.acknowledged, said={})
        answer_breach.defer(received=str(row.id))
    return row


def is_late(row: ReceivedBreach) -> bool:
    """Return whether a notice came after the limit of the authority's own file."""
    return row.due is not None and rules.is_late(row.reported, row.due)


def _admit(actor: Actor) -> None:
    if not definition.is_authority(actor):
        raise NoSuchBreach
